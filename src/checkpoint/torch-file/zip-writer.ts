// Writes the zip archive of a PyTorch file.
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { writeFully } from '../../base/atomic-files.js';

/** torch.save aligns every record to a multiple of this. */
const ALIGNMENT_BYTES = 64;
const LOCAL_BYTES = 30;
const END_64_BYTES = 56;
const EXTRA_HEAD_BYTES = 4;
const EXTRA_64_BYTES = 12;
const UNKNOWN_32 = 0xffffffff;
const UNKNOWN_16 = 0xffff;
/** 4.5, the first version of the format with 64-bit positions. */
const FORMAT_VERSION = 45;
const UTF8_FLAG = 0x0800;

interface Written {
  name: Buffer;
  bytes: number;
  crc32: number;
  localStart: number;
}

/** Fields of `[size in bytes, value]`, little-endian. */
function pack(fields: readonly (readonly [size: 2 | 4 | 8, value: number])[]): Buffer {
  const out = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 8) out.writeBigUInt64LE(BigInt(value), at);
    else out.writeUIntLE(value, at, size);
    at += size;
  }
  return out;
}

/**
 * Writes a zip archive as torch.save does: uncompressed, aligned entries with checksums, and 64-bit fields if the archive
 * needs them.
 */
export class ZipWriter {
  private readonly handle: FileHandle;
  private readonly wideFrom: number;
  private readonly written: Written[] = [];
  private position = 0;

  /** @param wideFrom the first position, in bytes, that gets a 64-bit field; only tests lower it. */
  constructor(handle: FileHandle, wideFrom = UNKNOWN_32) {
    this.handle = handle;
    this.wideFrom = wideFrom;
  }

  private async write(bytes: Uint8Array): Promise<void> {
    await writeFully(this.handle, bytes);
    this.position += bytes.byteLength;
  }

  /** Adds a record of less than 4 GiB. */
  async add(name: string, data: Uint8Array): Promise<void> {
    if (data.byteLength >= UNKNOWN_32) throw new RangeError(`${name} has ${data.byteLength} bytes, too many`);
    const record = {
      name: Buffer.from(name),
      bytes: data.byteLength,
      crc32: crc32(data),
      localStart: this.position,
    };
    const dataStart = this.position + LOCAL_BYTES + record.name.byteLength + EXTRA_HEAD_BYTES;
    const padding = (ALIGNMENT_BYTES - (dataStart % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
    const head = pack([
      [4, 0x04034b50],
      [2, FORMAT_VERSION],
      [2, UTF8_FLAG],
      [2, 0], // not compressed
      [4, 0], // no time
      [4, record.crc32],
      [4, record.bytes],
      [4, record.bytes],
      [2, record.name.byteLength],
      [2, EXTRA_HEAD_BYTES + padding],
    ]);
    const extra = Buffer.alloc(EXTRA_HEAD_BYTES + padding, 'Z');
    extra.write('FB', 0, 'latin1');
    extra.writeUInt16LE(padding, 2);
    await this.write(Buffer.concat([head, record.name, extra]));
    await this.write(data);
    this.written.push(record);
  }

  /** Writes the directory; nothing may be added after it. */
  async finish(): Promise<void> {
    const start = this.position;
    for (const record of this.written) await this.write(this.directoryEntry(record));
    const bytes = this.position - start;
    const count = this.written.length;
    if (Math.max(start, bytes) >= this.wideFrom || count >= UNKNOWN_16)
      await this.write(this.wideEnd(start, bytes, count));
    await this.write(
      pack([
        [4, 0x06054b50],
        [4, 0], // one disk
        [2, Math.min(count, UNKNOWN_16)],
        [2, Math.min(count, UNKNOWN_16)],
        [4, Math.min(bytes, UNKNOWN_32)],
        [4, start >= this.wideFrom ? UNKNOWN_32 : start],
        [2, 0],
      ]),
    );
  }

  private directoryEntry({ name, bytes, crc32: sum, localStart }: Written): Buffer {
    const isWide = localStart >= this.wideFrom;
    const entry = pack([
      [4, 0x02014b50],
      [2, FORMAT_VERSION],
      [2, FORMAT_VERSION],
      [2, UTF8_FLAG],
      [2, 0],
      [4, 0],
      [4, sum],
      [4, bytes],
      [4, bytes],
      [2, name.byteLength],
      [2, isWide ? EXTRA_64_BYTES : 0],
      [2, 0],
      [4, 0],
      [4, 0],
      [4, isWide ? UNKNOWN_32 : localStart],
    ]);
    const wide = pack([
      [2, 1],
      [2, 8],
      [8, localStart],
    ]);
    return Buffer.concat(isWide ? [entry, name, wide] : [entry, name]);
  }

  private wideEnd(start: number, bytes: number, count: number): Buffer {
    return pack([
      [4, 0x06064b50],
      [8, END_64_BYTES - 12],
      [2, FORMAT_VERSION],
      [2, FORMAT_VERSION],
      [4, 0],
      [4, 0],
      [8, count],
      [8, count],
      [8, bytes],
      [8, start],
      [4, 0x07064b50],
      [4, 0],
      [8, this.position],
      [4, 1],
    ]);
  }
}
