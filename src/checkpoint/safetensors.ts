// Reads and writes safetensors files.
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { writeFileAtomic, writeFully } from '../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from '../base/half-floats.js';
import {
  brokenFile,
  buildHeader,
  HEADER_LIMIT_BYTES,
  LENGTH_BYTES,
  parseHeader,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type StoredTensor,
  type TensorData,
  type TensorToStore,
  tensorBytes,
} from './safetensors-header.js';

export type { StoredTensor, TensorData, TensorToStore } from './safetensors-header.js';

/** The largest read, write or conversion buffer; a multiple of every element's size. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Tensors to write that are produced one after another, in any order, each when the one before it has been written. */
export interface TensorStream {
  /** All tensors that the stream will produce. */
  tensors: ReadonlyMap<string, Required<Omit<TensorToStore, 'data'>>>;
  data: Iterable<readonly [name: string, data: TensorData]>;
}

export interface SafetensorsFile {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

/** How the bytes of each type become numbers: read into `data`, or read as `raw` and converted. */
const READERS: Partial<
  Record<
    SafetensorsDtype,
    { data: (n: number) => TensorData; convert?: (raw: Uint8Array, out: TensorData) => void }
  >
> = {
  F32: { data: (n) => new Float32Array(n) },
  F64: { data: (n) => new Float64Array(n) },
  I32: { data: (n) => new Int32Array(n) },
  F16: {
    data: (n) => new Float32Array(n),
    convert: (raw, out) => float16ToFloat32(new Uint16Array(raw.buffer, 0, out.length), out as Float32Array),
  },
  BF16: {
    data: (n) => new Float32Array(n),
    convert: (raw, out) => bfloat16ToFloat32(new Uint16Array(raw.buffer, 0, out.length), out as Float32Array),
  },
  I64: { data: (n) => new Int32Array(n), convert: narrow },
  I16: {
    data: (n) => new Int32Array(n),
    convert: (raw, out) => out.set(new Int16Array(raw.buffer, 0, out.length)),
  },
  I8: {
    data: (n) => new Int32Array(n),
    convert: (raw, out) => out.set(new Int8Array(raw.buffer, 0, out.length)),
  },
  U8: { data: (n) => new Int32Array(n), convert: (raw, out) => out.set(raw.subarray(0, out.length)) },
  BOOL: { data: (n) => new Int32Array(n), convert: (raw, out) => out.set(raw.subarray(0, out.length)) },
};

function narrow(raw: Uint8Array, out: TensorData): void {
  const wide = new BigInt64Array(raw.buffer, 0, out.length);
  for (let i = 0; i < wide.length; i++) {
    out[i] = Number(wide[i]!);
    if (BigInt(out[i]!) !== wide[i]) throw new RangeError(`the integer ${wide[i]}, which needs 64 bits`);
  }
}

/** Opens a regular file for reading. @throws InputError that names a missing or unreadable file. */
async function openForReading(path: string): Promise<{ handle: FileHandle; fileBytes: number }> {
  const expected = `a safetensors file at ${path}`;
  try {
    // stat before open: opening a named pipe would wait for its other end.
    const stats = await stat(path);
    if (!stats.isFile()) {
      const found = stats.isDirectory() ? 'a folder' : 'something that is no file';
      throw new InputError({ expected, found, remedy: 'name the file itself' });
    }
    const handle = await open(path, 'r');
    return { handle, fileBytes: (await handle.stat()).size };
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const found = code === 'ENOENT' ? 'nothing' : `one that cannot be opened (${code})`;
    throw new InputError({ expected, found, remedy: 'check the path and its permissions' }, { cause: error });
  }
}

/** Fills `out` from `position` of the file. */
async function readFully(handle: FileHandle, path: string, out: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < out.byteLength; ) {
    const length = Math.min(CHUNK_BYTES, out.byteLength - done);
    let bytesRead = 0;
    try {
      ({ bytesRead } = await handle.read(out, done, length, position + done));
    } catch (error) {
      throw brokenFile(path, `one that cannot be read (${messageOf(error)})`, error);
    }
    if (bytesRead === 0) throw brokenFile(path, 'one that became shorter while it was read');
    done += bytesRead;
  }
}

async function readHeader(handle: FileHandle, path: string, fileBytes: number): Promise<SafetensorsHeader> {
  if (fileBytes < LENGTH_BYTES) throw brokenFile(path, `one of ${fileBytes} bytes`);
  const length = new Uint8Array(LENGTH_BYTES);
  await readFully(handle, path, length, 0);
  const headerBytes = Number(new DataView(length.buffer).getBigUint64(0, true));
  if (headerBytes > HEADER_LIMIT_BYTES || headerBytes > fileBytes - LENGTH_BYTES) {
    throw brokenFile(path, `a header of ${headerBytes} bytes in a file of ${fileBytes}`);
  }
  const json = new Uint8Array(headerBytes);
  await readFully(handle, path, json, LENGTH_BYTES);
  return parseHeader(path, json, fileBytes);
}

async function readTensor(
  handle: FileHandle,
  path: string,
  dataStartBytes: number,
  entry: SafetensorsEntry,
): Promise<StoredTensor> {
  const { name, dtype, shape, beginBytes, endBytes } = entry;
  const reader = READERS[dtype];
  if (reader === undefined) {
    throw new InputError({
      expected: `tensor ${JSON.stringify(name)} of ${path} to be of dtype ${Object.keys(READERS).join(', ')}`,
      found: dtype,
      remedy: 'convert it to F32',
    });
  }
  const elementBytes = tensorBytes(dtype, [1])!;
  const elements = (endBytes - beginBytes) / elementBytes;
  const position = dataStartBytes + beginBytes;
  try {
    const data = reader.data(elements);
    if (reader.convert === undefined) {
      await readFully(handle, path, new Uint8Array(data.buffer), position);
      return { dtype, shape, data };
    }
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, endBytes - beginBytes));
    for (let done = 0; done < elements; done += CHUNK_BYTES / elementBytes) {
      const chunk = data.subarray(done, done + CHUNK_BYTES / elementBytes);
      await readFully(
        handle,
        path,
        buffer.subarray(0, chunk.length * elementBytes),
        position + done * elementBytes,
      );
      reader.convert(buffer, chunk);
    }
    return { dtype, shape, data };
  } catch (error) {
    // More elements than memory or an array can hold, or an integer that does not fit.
    if (error instanceof RangeError) {
      throw brokenFile(path, `tensor ${JSON.stringify(name)} with ${error.message}`, error);
    }
    throw error;
  }
}

/**
 * Reads names, types, shapes and metadata of a safetensors file, without its tensors. The file is not trusted: the whole
 * header is checked (limits, types, shapes against bytes, no gap, no overlap, no truncation).
 * @throws InputError that names the file and what is wrong.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const { handle, fileBytes } = await openForReading(path);
  try {
    return await readHeader(handle, path, fileBytes);
  } finally {
    await handle.close();
  }
}

/**
 * Reads tensors of a safetensors file (https://github.com/huggingface/safetensors), all or those in `names`, in file
 * order. F32, F16 and BF16 become Float32Array, F64 Float64Array; I64, I32, I16, I8, U8 and BOOL Int32Array.
 * @throws InputError that names the file and what is wrong: a missing or damaged file, a missing name, an unsupported
 *   dtype, an integer that needs 64 bits.
 */
export async function readSafetensors(
  path: string,
  options: { names?: Iterable<string> } = {},
): Promise<SafetensorsFile> {
  const { handle, fileBytes } = await openForReading(path);
  try {
    const { entries, metadata, dataStartBytes } = await readHeader(handle, path, fileBytes);
    const wanted = new Set(options.names ?? entries.keys());
    for (const name of wanted) {
      if (entries.has(name)) continue;
      throw new InputError({
        expected: `tensor ${JSON.stringify(name)} in ${path}`,
        found: `${entries.size} tensors of other names`,
        remedy: 'use a file of the same model',
      });
    }
    const inOrder = [...entries.values()]
      .filter(({ name }) => wanted.has(name))
      .sort((a, b) => a.beginBytes - b.beginBytes || a.endBytes - b.endBytes);
    const tensors = new Map<string, StoredTensor>();
    for (const entry of inOrder) {
      tensors.set(entry.name, await readTensor(handle, path, dataStartBytes, entry));
    }
    return { tensors, metadata };
  } finally {
    await handle.close();
  }
}

type StoredDtype = NonNullable<TensorToStore['dtype']>;

/** The type to write. @throws TypeError or RangeError if data, shape and dtype disagree. */
function checkedDtype(
  name: string,
  shape: readonly number[],
  data: TensorData,
  dtype?: StoredDtype,
): StoredDtype {
  const native = data instanceof Float32Array ? 'F32' : data instanceof Float64Array ? 'F64' : 'I32';
  const chosen = dtype ?? native;
  const fits =
    chosen === native || (chosen === 'F16' && native === 'F32') || (chosen === 'I64' && native === 'I32');
  if (!fits) throw new TypeError(`Tensor ${name} holds ${native} and cannot be written as ${chosen}`);
  if (tensorBytes(native, shape) !== data.byteLength) {
    throw new RangeError(`Tensor ${name} of shape [${shape}] cannot have ${data.length} elements`);
  }
  return chosen;
}

/** Tensors in memory as a stream. */
function streamOf(stored: ReadonlyMap<string, TensorToStore>): TensorStream {
  const tensors = [...stored].map(
    ([name, { shape, data, dtype }]) =>
      [name, { shape, dtype: checkedDtype(name, shape, data, dtype) }] as const,
  );
  return { tensors: new Map(tensors), data: [...stored].map(([name, { data }]) => [name, data] as const) };
}

async function writeTensor(
  handle: FileHandle,
  data: TensorData,
  { dtype }: SafetensorsEntry,
  position: number,
): Promise<void> {
  const step = CHUNK_BYTES / 8;
  const elementBytes = tensorBytes(dtype, [1])!;
  for (let done = 0; done < data.length; done += step) {
    let chunk: TensorData | Uint16Array | BigInt64Array = data.subarray(done, done + step);
    if (dtype === 'F16') {
      const halves = new Uint16Array(chunk.length);
      float32ToFloat16(chunk as Float32Array, halves);
      chunk = halves;
    } else if (dtype === 'I64') {
      chunk = BigInt64Array.from(chunk as Int32Array, BigInt);
    }
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    await writeFully(handle, bytes, position + done * elementBytes);
  }
}

/**
 * Writes tensors as a safetensors file, in chunks, under a temporary name that is renamed at the end. The bytes depend
 * only on names, shapes, types, values and metadata, not on the order of the map or the stream. Arrays must not change
 * until the promise resolves. Numbers have the processor's byte order: little-endian on every machine that TensorFlow
 * runs on.
 * @throws RunError that names the path, the cause and the remedy if the file cannot be written; TypeError or RangeError if
 *   shape, dtype and data of a tensor disagree, or a stream does not produce each of its tensors once; whatever the stream
 *   throws.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorToStore> | TensorStream,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const stream = 'data' in tensors ? tensors : streamOf(tensors);
  if (stream.tensors.has('__metadata__'))
    throw new RangeError('The name __metadata__ is reserved by the format');
  const { entries, bytes } = buildHeader(stream.tensors, metadata);
  const missing = new Map(entries.map((entry) => [entry.name, entry]));
  await writeFileAtomic(path, async (handle) => {
    await writeFully(handle, bytes, 0);
    for (const [name, data] of stream.data) {
      const entry = missing.get(name);
      if (entry === undefined) throw new RangeError(`Tensor ${name} was not announced, or came before`);
      checkedDtype(name, entry.shape, data, stream.tensors.get(name)!.dtype);
      await writeTensor(handle, data, entry, bytes.byteLength + entry.beginBytes);
      missing.delete(name);
    }
    if (missing.size > 0) throw new RangeError(`Tensor ${[...missing.keys()][0]} did not come`);
  });
}
