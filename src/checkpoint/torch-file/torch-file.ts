// Opens files of torch.save and reads their tensors as float32.
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { InputError } from '../../base/errors.js';
import { toFloat32 } from './dtypes.js';
import { readLegacy } from './legacy-format.js';
import { bigEndianFile, brokenTorchFile, RandomAccessFile } from './random-access-file.js';
import { TorchHost } from './torch-globals.js';
import { findUnpacked, type UnpackedFolder } from './unpacked-folder.js';
import { Budget, ForbiddenGlobalError, PickleError, unpickle } from './unpickler.js';
import {
  DTYPE_BYTES,
  InlineStorage,
  type StorageRecord,
  type TorchStorage,
  type TorchTensorRef,
  UNREAD_BYTES,
} from './values.js';
import { checkSum, readRecord, readZipDirectory, type ZipRecord } from './zip-reader.js';

/** A pickle holds only names and shapes; that of the reference's checkpoints has 200 kB. */
const PICKLE_LIMIT_BYTES = 8 * 1024 * 1024;
const ZIP_START = [0x50, 0x4b, 0x03, 0x04];
/** The record says "little" or "big". */
const BYTE_ORDER_LIMIT_BYTES = 16;

/** Adds the file's name to an error about a pickle. */
function inputError(path: string, error: unknown): unknown {
  if (error instanceof ForbiddenGlobalError)
    return new InputError(
      {
        expected: `weights, optimizer states and plain values alone in ${path}`,
        found: `${error.message}, which a checkpoint does not need and which could run a program`,
        remedy: 'do not load this file anywhere unless you know who made it; nothing of it was run',
      },
      { cause: error },
    );
  return error instanceof PickleError ? brokenTorchFile(path, error.message, error) : error;
}

/** An open file with tensors: its values at once, its tensors on demand. */
export interface TensorFile {
  readonly path: string;
  /** Bytes of all of it. */
  readonly bytes: number;
  /**
   * The saved value: maps, arrays, texts, numbers, booleans, nulls, `TorchTensorRef`s, and for what is none of these
   * `UnreadableTensor`, `Opaque`, `ClassRef` and bytes.
   */
  readonly root: unknown;
  /** A tensor's numbers as float32, row-major. @throws InputError if they are damaged, or of a type that is not read. */
  read(tensor: TorchTensorRef): Promise<Float32Array>;
  close(): Promise<void>;
}

/** An open file of `torch.save`: its values at once, its tensors on demand. */
export class TorchFile implements TensorFile {
  readonly root: unknown;
  readonly path: string;
  private readonly file: RandomAccessFile;
  private readonly records: ReadonlyMap<string, StorageRecord>;
  /** Records whose checksum has been checked. */
  private readonly checked = new Set<string>();

  private constructor(path: string, file: RandomAccessFile, { root, records }: Contents) {
    this.path = path;
    this.file = file;
    this.root = root;
    this.records = records;
  }

  /**
   * Opens a file of `torch.save`, in the zip format (since 1.6), unpacked into a folder, or in the legacy format, without
   * running anything in it. The caller closes it.
   *
   * @throws InputError that names the file if it is missing, damaged, not of torch, or names a class or function that
   *   could run a program.
   */
  static async open(path: string): Promise<TorchFile> {
    const unpacked = await findUnpacked(path);
    const file = await RandomAccessFile.open(unpacked ? join(unpacked.dir, 'data.pkl') : path);
    try {
      if (unpacked) return new TorchFile(path, file, await readUnpacked(file, unpacked));
      const start = await file.read(0, Math.min(file.bytes, ZIP_START.length));
      const isZip = ZIP_START.every((byte, i) => start[i] === byte);
      return new TorchFile(
        path,
        file,
        isZip ? await readZip(file) : await readLegacy(file, PICKLE_LIMIT_BYTES),
      );
    } catch (error) {
      await file.close();
      throw inputError(path, error);
    }
  }

  get bytes(): number {
    let bytes = this.file.bytes;
    for (const record of this.records.values()) if (record.file !== undefined) bytes += record.bytes;
    return bytes;
  }

  /** A tensor's numbers as float32, row-major. @throws InputError if they are damaged. */
  async read(tensor: TorchTensorRef): Promise<Float32Array> {
    const { storage, offset, shape, strides, elements } = tensor;
    if (Object.hasOwn(UNREAD_BYTES, tensor.dtype))
      throw new InputError({
        expected: `numbers of a type that is read (float32, float16, bfloat16, ...) in ${this.path}`,
        found: `a tensor of type ${tensor.dtype}`,
        remedy: 'convert it to float32 in Python and save the file again',
      });
    if (elements === 0) return new Float32Array(0);
    const span = 1 + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 0);
    const bytes = await this.readElements(storage, offset, span);
    const numbers = toFloat32(bytes, tensor.dtype);
    return isContiguous(tensor) ? numbers : gather(numbers, shape, strides);
  }

  private async readElements(
    storage: TorchStorage,
    first: number,
    count: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { key, dtype } = storage;
    const length = count * DTYPE_BYTES[dtype];
    const from = first * DTYPE_BYTES[dtype];
    if (storage instanceof InlineStorage) return Uint8Array.from(storage.bytes.subarray(from, from + length));
    const record = this.records.get(key)!;
    if (record.file !== undefined) return readFrom(record.file, from, length);
    const bytes = await this.file.read(record.start + from, length);
    if (record.crc32 !== undefined && !this.checked.has(key)) {
      const sum = length === record.bytes ? crc32(bytes) : await this.sumOf(record);
      checkSum(this.file, record as ZipRecord, sum);
      this.checked.add(key);
    }
    return bytes;
  }

  private async sumOf({ start, bytes }: StorageRecord): Promise<number> {
    let sum = 0;
    for await (const chunk of this.file.chunks(start, bytes)) sum = crc32(chunk, sum);
    return sum;
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

function isContiguous({ shape, strides }: TorchTensorRef): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

function gather(data: Float32Array, shape: readonly number[], strides: readonly number[]): Float32Array {
  const out = new Float32Array(shape.reduce((product, n) => product * n, 1));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** What a file holds, and where the numbers of its storages are. */
interface Contents {
  root: unknown;
  records: Map<string, StorageRecord>;
}

async function readFrom(path: string, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await RandomAccessFile.open(path);
  try {
    return await file.read(position, length);
  } finally {
    await file.close();
  }
}

/** @throws InputError for a record that says that the numbers are big-endian, or says nothing of the kind. */
function checkByteOrder(path: string, order: Uint8Array): void {
  if (Buffer.from(order).toString().trim() !== 'little') throw bigEndianFile(path);
}

function tooManyNames(path: string, bytes: number): InputError {
  return new InputError({
    expected: `at most ${PICKLE_LIMIT_BYTES} bytes of names and shapes in ${path}`,
    found: `${bytes}`,
    remedy: 'save the weights as tensors (torch.save of a state_dict), without other data beside them',
  });
}

/** Reads the pickle, and finds the record of each storage that it names. */
async function readContents(
  path: string,
  pickle: Uint8Array,
  locate: (name: string) => Promise<StorageRecord | undefined>,
): Promise<Contents> {
  const host = new TorchHost(new Budget(pickle.byteLength));
  const { value } = unpickle(pickle, 0, host);
  const records = new Map<string, StorageRecord>();
  for (const { key, elements, dtype } of host.storages.values()) {
    const record = await locate(`data/${key}`);
    if (record === undefined || record.bytes !== elements * DTYPE_BYTES[dtype])
      throw brokenTorchFile(
        path,
        `${record ? `${record.bytes} bytes` : 'none'} of the ${elements} numbers of storage ${JSON.stringify(key)}`,
      );
    records.set(key, record);
  }
  return { root: value, records };
}

function torchScript(path: string): InputError {
  return new InputError({
    expected: `a checkpoint of weights at ${path}`,
    found: 'a TorchScript program',
    remedy: 'save its state_dict with torch.save',
  });
}

async function readZip(file: RandomAccessFile): Promise<Contents> {
  const { names, locate } = await readZipDirectory(file);
  const pickles = names.filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  const [pickleName] = pickles;
  if (pickleName === undefined || pickles.length > 1)
    throw brokenTorchFile(file.path, 'a zip archive that torch.save did not write (it has no data.pkl)');
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  if (names.includes(`${prefix}constants.pkl`)) throw torchScript(file.path);
  const order = await locate(`${prefix}byteorder`);
  if (order !== undefined && order.bytes > BYTE_ORDER_LIMIT_BYTES) throw bigEndianFile(file.path);
  if (order !== undefined) checkByteOrder(file.path, await readRecord(file, order));
  const pickle = (await locate(pickleName))!;
  if (pickle.bytes > PICKLE_LIMIT_BYTES) throw tooManyNames(file.path, pickle.bytes);
  return readContents(file.path, await readRecord(file, pickle), (name) => locate(prefix + name));
}

/** Reads an unpacked archive, in which every record is a file. */
async function readUnpacked(pickle: RandomAccessFile, { dir, names }: UnpackedFolder): Promise<Contents> {
  if (names.has('constants.pkl')) throw torchScript(dir);
  if (names.has('byteorder')) {
    const order = await RandomAccessFile.open(join(dir, 'byteorder'));
    try {
      checkByteOrder(dir, await order.read(0, Math.min(order.bytes, BYTE_ORDER_LIMIT_BYTES)));
    } finally {
      await order.close();
    }
  }
  if (pickle.bytes > PICKLE_LIMIT_BYTES) throw tooManyNames(dir, pickle.bytes);
  return readContents(dir, await pickle.read(0, pickle.bytes), async (name) => {
    if (!names.has(name)) return undefined;
    const file = join(dir, name);
    const opened = await RandomAccessFile.open(file);
    await opened.close();
    return { name, start: 0, bytes: opened.bytes, file };
  });
}
