// Reads the format of torch.save before PyTorch 1.6.
import { InputError } from '../../base/errors.js';
import { bigEndianFile, brokenTorchFile, type RandomAccessFile } from './random-access-file.js';
import { TorchHost } from './torch-globals.js';
import { Budget, ForbiddenGlobalError, PickleError, TruncatedPickleError, unpickle } from './unpickler.js';
import { DTYPE_BYTES, type StorageRecord } from './values.js';

/** torch/serialization.py, MAGIC_NUMBER and PROTOCOL_VERSION. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** The first byte of a pickle of protocol 2 or newer. */
const PICKLE_START = 0x80;
const FIRST_READ_BYTES = 1024 * 1024;
/** The number of elements, an int64, precedes a storage's bytes. */
const COUNT_BYTES = 8;

interface Pickles {
  root: unknown;
  keys: unknown;
  /** The position of the first storage. */
  end: number;
  host: TorchHost;
}

/** Reads the five pickles of the format: magic number, version, the system's byte order and sizes, the object, the keys. */
function readPickles(path: string, bytes: Uint8Array): Pickles {
  const host = new TorchHost(new Budget(bytes.byteLength));
  const magic = unpickle(bytes, 0, host);
  if (magic.value !== MAGIC) throw new PickleError('a pickle that torch.save did not write');
  const version = unpickle(bytes, magic.end, host);
  if (version.value !== PROTOCOL) throw new PickleError('a version of the legacy format that is unknown');
  const system = unpickle(bytes, version.end, host);
  if (system.value instanceof Map && system.value.get('little_endian') === false) throw bigEndianFile(path);
  const root = unpickle(bytes, system.end, host);
  const keys = unpickle(bytes, root.end, host);
  return { root: root.value, keys: keys.value, end: keys.end, host };
}

/** The error for a file that starts neither as a zip archive nor as a pickle. */
function notTorch(path: string, bytes: Uint8Array): InputError {
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  let found = 'a file of another kind';
  if (bytes.byteLength === 0) found = 'an empty file';
  else if (/^\s*<(!doctype|html)/i.test(start)) found = 'a web page, such as a download site shows';
  else if (start.startsWith('version https://git-lfs')) found = 'a Git LFS pointer, not the file itself';
  else if (/^[\t\n\r\x20-\x7e]+$/.test(start)) found = 'a text';
  else if (start.includes('ustar')) found = 'a tar archive (torch before 0.1.10 wrote such files)';
  return new InputError({
    expected: `a PyTorch checkpoint at ${path}`,
    found,
    remedy: "name a file that torch.save wrote, such as the reference implementation's ck.pt",
  });
}

/**
 * Reads the format that torch.save wrote before version 1.6: several pickles, then the storages.
 *
 * @throws PickleError, or InputError that names the file.
 */
export async function readLegacy(
  file: RandomAccessFile,
  pickleLimitBytes: number,
): Promise<{ root: unknown; records: Map<string, StorageRecord> }> {
  let length = Math.min(file.bytes, FIRST_READ_BYTES);
  for (;;) {
    const bytes = await file.read(0, length);
    try {
      const pickles = readPickles(file.path, bytes);
      return { root: pickles.root, records: await readRecords(file, pickles) };
    } catch (error) {
      const isTruncated = error instanceof TruncatedPickleError;
      const isPickle = bytes[0] === PICKLE_START;
      if (isTruncated && isPickle && length < Math.min(file.bytes, pickleLimitBytes)) {
        length = Math.min(file.bytes, pickleLimitBytes, 4 * length);
        continue;
      }
      // A text is rejected with the program that it would have run, too.
      const isForbidden = error instanceof ForbiddenGlobalError;
      throw isPickle || isForbidden || !(error instanceof PickleError) ? error : notTorch(file.path, bytes);
    }
  }
}

async function readRecords(
  file: RandomAccessFile,
  { keys, end, host: { storages } }: Pickles,
): Promise<Map<string, StorageRecord>> {
  if (!Array.isArray(keys)) throw new PickleError('a list of storages that is none');
  const records = new Map<string, StorageRecord>();
  let position = end;
  for (const key of keys as unknown[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || records.has(storage.key))
      throw new PickleError('a storage that belongs to nothing');
    const count = await file.read(position, COUNT_BYTES);
    const elements = Number(new DataView(count.buffer).getBigInt64(0, true));
    if (elements !== storage.elements)
      throw brokenTorchFile(file.path, `${elements} numbers in a storage of ${storage.elements}`);
    const start = position + COUNT_BYTES;
    const bytes = elements * DTYPE_BYTES[storage.dtype];
    if (start + bytes > file.bytes) throw brokenTorchFile(file.path, 'one that ends too early');
    records.set(storage.key, { name: storage.key, start, bytes });
    position = start + bytes;
  }
  for (const key of storages.keys())
    if (!records.has(key)) throw new PickleError('a tensor whose numbers are missing');
  return records;
}
