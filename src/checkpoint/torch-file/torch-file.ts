// Opens files of torch.save and reads their tensors as float32.
import { crc32 } from 'node:zlib';
import { InputError } from '../../base/errors.js';
import { toFloat32 } from './dtypes.js';
import { readLegacy } from './legacy-format.js';
import { bigEndianFile, brokenTorchFile, RandomAccessFile } from './random-access-file.js';
import { TorchHost } from './torch-globals.js';
import { ForbiddenGlobalError, PickleError, unpickle } from './unpickler.js';
import { DTYPE_BYTES, type StorageRecord, type TorchStorage, type TorchTensorRef } from './values.js';
import { checkSum, readRecord, readZipDirectory, type ZipRecord } from './zip-reader.js';

/** A pickle holds only names and shapes; that of the reference's checkpoints has 200 kB. */
const PICKLE_LIMIT_BYTES = 8 * 1024 * 1024;
const ZIP_START = [0x50, 0x4b, 0x03, 0x04];

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

/** An open file of `torch.save`: its values at once, its tensors on demand. */
export class TorchFile {
  /** The saved value: maps, arrays, texts, numbers, booleans, nulls and `TorchTensorRef`s. */
  readonly root: unknown;
  private readonly file: RandomAccessFile;
  private readonly records: ReadonlyMap<string, StorageRecord>;
  /** Records whose checksum has been checked. */
  private readonly checked = new Set<string>();

  private constructor(file: RandomAccessFile, root: unknown, records: ReadonlyMap<string, StorageRecord>) {
    this.file = file;
    this.root = root;
    this.records = records;
  }

  /**
   * Opens a file of `torch.save`, in the zip format (since 1.6) or the legacy one, without running anything in it. The
   * caller closes it.
   *
   * @throws InputError that names the file if it is missing, damaged, not of torch, or names a class or function that
   *   weights do not need.
   */
  static async open(path: string): Promise<TorchFile> {
    const file = await RandomAccessFile.open(path);
    try {
      const start = await file.read(0, Math.min(file.bytes, ZIP_START.length));
      const isZip = ZIP_START.every((byte, i) => start[i] === byte);
      const { root, records } = isZip ? await readZip(file) : await readLegacy(file, PICKLE_LIMIT_BYTES);
      return new TorchFile(file, root, records);
    } catch (error) {
      await file.close();
      throw inputError(path, error);
    }
  }

  get path(): string {
    return this.file.path;
  }

  get bytes(): number {
    return this.file.bytes;
  }

  /** A tensor's numbers as float32, row-major. @throws InputError if they are damaged. */
  async read(tensor: TorchTensorRef): Promise<Float32Array> {
    const { storage, offset, shape, strides, elements } = tensor;
    if (elements === 0) return new Float32Array(0);
    const span = 1 + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 0);
    const bytes = await this.readElements(storage, offset, span);
    const numbers = toFloat32(bytes, tensor.dtype);
    return isContiguous(tensor) ? numbers : gather(numbers, shape, strides);
  }

  private async readElements(
    { key, dtype }: TorchStorage,
    first: number,
    count: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const record = this.records.get(key)!;
    const length = count * DTYPE_BYTES[dtype];
    const bytes = await this.file.read(record.start + first * DTYPE_BYTES[dtype], length);
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

async function readZip(
  file: RandomAccessFile,
): Promise<{ root: unknown; records: Map<string, StorageRecord> }> {
  const { names, locate } = await readZipDirectory(file);
  const pickles = names.filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  const [pickleName] = pickles;
  if (pickleName === undefined || pickles.length > 1)
    throw brokenTorchFile(file.path, 'a zip archive that torch.save did not write (it has no data.pkl)');
  const prefix = pickleName.slice(0, -'data.pkl'.length);
  if (names.includes(`${prefix}constants.pkl`))
    throw new InputError({
      expected: `a checkpoint of weights at ${file.path}`,
      found: 'a TorchScript program',
      remedy: 'save its state_dict with torch.save',
    });
  const order = await locate(`${prefix}byteorder`);
  if (order !== undefined && Buffer.from(await readRecord(file, order)).toString() !== 'little')
    throw bigEndianFile(file.path);
  const pickle = (await locate(pickleName))!;
  if (pickle.bytes > PICKLE_LIMIT_BYTES)
    throw brokenTorchFile(file.path, `one with ${pickle.bytes} bytes of names and shapes`);
  const host = new TorchHost();
  const { value } = unpickle(await readRecord(file, pickle), 0, host);
  const records = new Map<string, StorageRecord>();
  for (const { key, elements, dtype } of host.storages.values()) {
    const record = await locate(`${prefix}data/${key}`);
    if (record === undefined || record.bytes !== elements * DTYPE_BYTES[dtype])
      throw brokenTorchFile(
        file.path,
        `${record ? `${record.bytes} bytes` : 'none'} of the ${elements} numbers of storage ${JSON.stringify(key)}`,
      );
    records.set(key, record);
  }
  return { root: value, records };
}
