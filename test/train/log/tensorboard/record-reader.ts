import { readFile } from 'node:fs/promises';
import type { Histogram } from '../../../../src/train/log/tensorboard/histogram.js';

/** Bit by bit and of its own: what the writer computes by a table. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function assertChecksum(bytes: Buffer, stored: number): void {
  const rotated = (stored - 0xa282ead8) >>> 0;
  const crc = ((rotated << 15) | (rotated >>> 17)) >>> 0;
  if (crc !== crc32c(bytes)) throw new Error(`checksum ${crc} of ${bytes.length} bytes is wrong`);
}

/** The records of a TFRecord file, and how many bytes of an unfinished one follow them. */
export function parseRecords(file: Buffer): { records: Buffer[]; tornBytes: number } {
  const records: Buffer[] = [];
  let at = 0;
  while (at + 12 <= file.length) {
    const length = Number(file.readBigUInt64LE(at));
    const end = at + 12 + length + 4;
    if (end > file.length) break;
    assertChecksum(file.subarray(at, at + 8), file.readUInt32LE(at + 8));
    const data = file.subarray(at + 12, end - 4);
    assertChecksum(data, file.readUInt32LE(end - 4));
    records.push(data);
    at = end;
  }
  return { records, tornBytes: file.length - at };
}

type Value = number | Buffer;

/** A message's values by the number of their field; what stands several times comes several times. */
export function parseMessage(bytes: Buffer): Map<number, Value[]> {
  const fields = new Map<number, Value[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const fixed = (size: number, value: number): number => {
    at += size;
    return value;
  };
  const values: Record<number, () => Value> = {
    0: varint,
    1: () => fixed(8, bytes.readDoubleLE(at)),
    2: () => {
      const length = varint();
      at += length;
      return bytes.subarray(at - length, at);
    },
    5: () => fixed(4, bytes.readFloatLE(at)),
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    fields.set(field, [...(fields.get(field) ?? []), values[key % 8]!()]);
  }
  return fields;
}

const doubles = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(i * 8));

/** An event in plain words. */
export interface ReadEvent {
  seconds: number;
  step: number;
  version?: string;
  sessionStatus?: number;
  scalars?: Record<string, number>;
  images?: Record<string, { width: number; height: number; png: Buffer }>;
  histograms?: Record<string, Histogram>;
}

function readHistogram(bytes: Buffer): Histogram {
  const [min, max, count, sum, sumOfSquares, limits, counts] = [1, 2, 3, 4, 5, 6, 7].map(
    (field) => parseMessage(bytes).get(field)![0]!,
  ) as [number, number, number, number, number, Buffer, Buffer];
  return { min, max, count, sum, sumOfSquares, limits: doubles(limits), counts: doubles(counts) };
}

function readSummary(event: ReadEvent, summary: Buffer): void {
  for (const value of parseMessage(summary).get(1) ?? []) {
    const fields = parseMessage(value as Buffer);
    const tag = String(fields.get(1)![0]);
    const [scalar, image, histogram] = [2, 4, 5].map((field) => fields.get(field)?.[0]);
    if (scalar !== undefined) event.scalars = { ...event.scalars, [tag]: scalar as number };
    if (image !== undefined) {
      const parts = parseMessage(image as Buffer);
      const [height, width, , png] = [1, 2, 3, 4].map((field) => parts.get(field)![0]!);
      event.images = {
        ...event.images,
        [tag]: { width: width as number, height: height as number, png: png as Buffer },
      };
    }
    if (histogram !== undefined)
      event.histograms = { ...event.histograms, [tag]: readHistogram(histogram as Buffer) };
  }
}

export function readEvent(bytes: Buffer): ReadEvent {
  const fields = parseMessage(bytes);
  const event: ReadEvent = { seconds: fields.get(1)![0] as number, step: fields.get(2)![0] as number };
  const [version, summary, session] = [3, 5, 7].map((field) => fields.get(field)?.[0] as Buffer | undefined);
  if (version !== undefined) event.version = version.toString();
  if (session !== undefined) event.sessionStatus = parseMessage(session).get(1)![0] as number;
  if (summary !== undefined) readSummary(event, summary);
  return event;
}

/** All events of a file. @throws where a record is damaged. */
export async function readEvents(path: string): Promise<{ events: ReadEvent[]; tornBytes: number }> {
  const { records, tornBytes } = parseRecords(await readFile(path));
  return { events: records.map(readEvent), tornBytes };
}
