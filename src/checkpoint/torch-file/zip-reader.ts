// Reads the directory and the records of an uncompressed zip archive.
import { crc32 } from 'node:zlib';
import { InputError } from '../../base/errors.js';
import { brokenTorchFile, type RandomAccessFile } from './random-access-file.js';

/** An uncompressed file inside the archive. */
export interface ZipRecord {
  name: string;
  /** The position of its bytes in the archive. */
  start: number;
  bytes: number;
  crc32: number;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR_64_SIGNATURE = 0x07064b50;
const LOCATOR_64_BYTES = 20;
const END_64_SIGNATURE = 0x06064b50;
const END_64_BYTES = 56;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const EXTRA_64 = 1;
const UNKNOWN_32 = 0xffffffff;
const UNKNOWN_16 = 0xffff;
const ENCRYPTED_FLAG = 1;
/** A checkpoint of the reference has about 1,500 entries of about 100 bytes. */
const DIRECTORY_LIMIT_BYTES = 64 * 1024 * 1024;

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Directory {
  start: number;
  bytes: number;
  count: number;
}

async function findDirectory(file: RandomAccessFile): Promise<Directory> {
  const tailBytes = Math.min(file.bytes, END_BYTES + MAX_COMMENT_BYTES);
  const tail = view(await file.read(file.bytes - tailBytes, tailBytes));
  for (let at = tailBytes - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END_SIGNATURE) continue;
    if (at + END_BYTES + tail.getUint16(at + 20, true) !== tailBytes) continue;
    const directory = {
      count: tail.getUint16(at + 10, true),
      bytes: tail.getUint32(at + 12, true),
      start: tail.getUint32(at + 16, true),
    };
    const isLarge =
      directory.count === UNKNOWN_16 || directory.bytes === UNKNOWN_32 || directory.start === UNKNOWN_32;
    return isLarge ? findDirectory64(file, file.bytes - tailBytes + at) : directory;
  }
  throw brokenTorchFile(file.path, 'a zip archive without its directory: the end of the file is missing');
}

async function findDirectory64(file: RandomAccessFile, end: number): Promise<Directory> {
  const broken = brokenTorchFile(file.path, 'a zip archive whose 64-bit directory is missing');
  if (end < LOCATOR_64_BYTES) throw broken;
  const locator = view(await file.read(end - LOCATOR_64_BYTES, LOCATOR_64_BYTES));
  if (locator.getUint32(0, true) !== LOCATOR_64_SIGNATURE) throw broken;
  const record = view(await file.read(Number(locator.getBigUint64(8, true)), END_64_BYTES));
  if (record.getUint32(0, true) !== END_64_SIGNATURE) throw broken;
  return {
    count: Number(record.getBigUint64(32, true)),
    bytes: Number(record.getBigUint64(40, true)),
    start: Number(record.getBigUint64(48, true)),
  };
}

interface Entry extends ZipRecord {
  localStart: number;
  /** Length of the whole directory entry. */
  entryBytes: number;
}

/** Replaces sizes and positions that do not fit into 32 bits by those of the zip64 field, in its order. */
function wideFields(extra: DataView, narrow: number[]): number[] | undefined {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const bytes = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) !== EXTRA_64) {
      at += 4 + bytes;
      continue;
    }
    const needed = narrow.filter((value) => value === UNKNOWN_32).length;
    if (bytes < 8 * needed || at + 4 + bytes > extra.byteLength) return undefined;
    let next = at + 4;
    return narrow.map((value) => {
      if (value !== UNKNOWN_32) return value;
      next += 8;
      return Number(extra.getBigUint64(next - 8, true));
    });
  }
  return undefined;
}

function parseEntry(path: string, directory: Uint8Array, at: number): Entry {
  const broken = (found: string) => brokenTorchFile(path, `a zip archive ${found}`);
  if (at + ENTRY_BYTES > directory.byteLength) throw broken('whose directory ends too early');
  const fields = view(directory.subarray(at));
  if (fields.getUint32(0, true) !== ENTRY_SIGNATURE) throw broken('whose directory is damaged');
  const nameBytes = fields.getUint16(28, true);
  const extraBytes = fields.getUint16(30, true);
  const entryBytes = ENTRY_BYTES + nameBytes + extraBytes + fields.getUint16(32, true);
  if (at + entryBytes > directory.byteLength) throw broken('whose directory ends too early');
  const nameStart = at + ENTRY_BYTES;
  const name = Buffer.from(directory.subarray(nameStart, nameStart + nameBytes)).toString('utf8');
  const narrow = [fields.getUint32(24, true), fields.getUint32(20, true), fields.getUint32(42, true)];
  const extra = directory.subarray(nameStart + nameBytes, nameStart + nameBytes + extraBytes);
  const wide = narrow.includes(UNKNOWN_32) ? wideFields(view(extra), narrow) : narrow;
  if (wide === undefined) throw broken(`without the 64-bit size of ${JSON.stringify(name)}`);
  const [bytes, storedBytes, localStart] = wide as [number, number, number];
  if (fields.getUint16(10, true) !== 0)
    throw new InputError({
      expected: `${JSON.stringify(name)} in ${path} to be stored as torch.save does it`,
      found: 'a compressed entry',
      remedy: 'unpack the archive into a folder and name that folder',
    });
  if ((fields.getUint16(8, true) & ENCRYPTED_FLAG) !== 0) throw broken('with encrypted entries');
  if (bytes !== storedBytes) throw broken(`with two sizes of ${JSON.stringify(name)}`);
  return { name, bytes, crc32: fields.getUint32(16, true), localStart, entryBytes, start: 0 };
}

async function locate(file: RandomAccessFile, entry: Entry): Promise<ZipRecord> {
  const { name, bytes, crc32, localStart } = entry;
  const local = view(await file.read(localStart, LOCAL_BYTES));
  const start = localStart + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  if (local.getUint32(0, true) !== LOCAL_SIGNATURE || start + bytes > file.bytes)
    throw brokenTorchFile(file.path, `a zip archive without the bytes of ${JSON.stringify(name)}`);
  return { name, start, bytes, crc32 };
}

/**
 * Reads the directory of a zip archive (PKWARE's APPNOTE, with zip64) whose entries are not compressed. The positions of
 * the bytes are checked against the file, so that no record is larger than the file itself.
 *
 * @returns the names, and `locate`, which finds the bytes of a record by name (undefined if there is none).
 * @throws InputError that names the file and what is wrong.
 */
export async function readZipDirectory(
  file: RandomAccessFile,
): Promise<{ names: string[]; locate: (name: string) => Promise<ZipRecord | undefined> }> {
  const { start, bytes, count } = await findDirectory(file);
  if (bytes > DIRECTORY_LIMIT_BYTES || start + bytes > file.bytes || count * ENTRY_BYTES > bytes)
    throw brokenTorchFile(file.path, 'a zip archive whose directory does not fit into the file');
  const directory = await file.read(start, bytes);
  const entries = new Map<string, Entry>();
  for (let i = 0, at = 0; i < count; i++) {
    const entry = parseEntry(file.path, directory, at);
    if (entries.has(entry.name))
      throw brokenTorchFile(file.path, `a zip archive with two entries ${JSON.stringify(entry.name)}`);
    entries.set(entry.name, entry);
    at += entry.entryBytes;
  }
  return {
    names: [...entries.keys()],
    locate: async (name) => {
      const entry = entries.get(name);
      return entry === undefined ? undefined : locate(file, entry);
    },
  };
}

/** @throws InputError if the checksum of a record's bytes is not the one in the archive's directory. */
export function checkSum(file: RandomAccessFile, record: ZipRecord, sum: number): void {
  if (sum === record.crc32) return;
  throw brokenTorchFile(file.path, `damaged bytes: the checksum of ${JSON.stringify(record.name)} differs`);
}

/** The bytes of a small record, with its checksum checked. */
export async function readRecord(file: RandomAccessFile, record: ZipRecord): Promise<Uint8Array> {
  const bytes = await file.read(record.start, record.bytes);
  checkSum(file, record, crc32(bytes));
  return bytes;
}
