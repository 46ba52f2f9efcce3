// Wraps raw frames in Matroska, so that each has its own time on the way to the encoder.
import type { Extent } from '../base/geometry.js';

/** Unit of all times in the stream, nanoseconds. */
const TIMESTAMP_SCALE = 1000;
const TICKS_PER_SECOND = 1e9 / TIMESTAMP_SCALE;
/** A size that says "until the end": a pipe cannot go back to fill in how much it was. */
const UNKNOWN_SIZE = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

/** IDs of the elements (RFC 8794, RFC 9559). */
const ID = {
  ebml: 0x1a45dfa3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  codecId: 0x86,
  defaultDuration: 0x23e383,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  uncompressedFourCc: 0x2eb524,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  blockGroup: 0xa0,
  block: 0xa1,
  blockDuration: 0x9b,
} as const;

/** The bytes of a whole number from 0 on, big-endian, without leading zeros. */
function bytesOfNumber(value: number): Buffer {
  const hex = Math.max(0, Math.round(value)).toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

/** A size as EBML writes it, always in eight bytes. */
function sizeOf(bytes: number): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(bytes) | (1n << 56n));
  return size;
}

function element(id: number, ...content: (Buffer | string | number)[]): Buffer {
  const parts = content.map((part) =>
    typeof part === 'number' ? bytesOfNumber(part) : typeof part === 'string' ? Buffer.from(part) : part,
  );
  const body = Buffer.concat(parts);
  return Buffer.concat([bytesOfNumber(id), sizeOf(body.length), body]);
}

/**
 * The start of a stream of RGB frames. `frameHeader` comes before each frame's bytes.
 * @param secondsPerFrame the mean, which an encoder's rate control goes by.
 */
export function streamHeader({ width, height }: Extent, secondsPerFrame: number): Buffer {
  return Buffer.concat([
    element(
      ID.ebml,
      element(ID.docType, 'matroska'),
      element(ID.docTypeVersion, 4),
      element(ID.docTypeReadVersion, 2),
    ),
    bytesOfNumber(ID.segment),
    UNKNOWN_SIZE,
    element(
      ID.info,
      element(ID.timestampScale, TIMESTAMP_SCALE),
      element(ID.muxingApp, 'gnr'),
      element(ID.writingApp, 'gnr'),
    ),
    element(
      ID.tracks,
      element(
        ID.trackEntry,
        element(ID.trackNumber, 1),
        element(ID.trackUid, 1),
        element(ID.trackType, 1),
        element(ID.codecId, 'V_UNCOMPRESSED'),
        element(ID.defaultDuration, secondsPerFrame * 1e9),
        element(
          ID.video,
          element(ID.pixelWidth, width),
          element(ID.pixelHeight, height),
          element(ID.uncompressedFourCc, Buffer.from([...Buffer.from('RGB'), 24])),
        ),
      ),
    ),
  ]);
}

/** What comes before a frame's bytes: its time and how long it is shown, seconds. */
export function frameHeader(bytes: number, seconds: number, durationSeconds: number): Buffer {
  const duration = element(ID.blockDuration, durationSeconds * TICKS_PER_SECOND);
  // Track 1, the cluster's time, no flags.
  const blockStart = Buffer.from([0x81, 0, 0, 0]);
  const block = Buffer.concat([bytesOfNumber(ID.block), sizeOf(blockStart.length + bytes), blockStart]);
  const timestamp = element(ID.timestamp, seconds * TICKS_PER_SECOND);
  const groupBytes = duration.length + block.length + bytes;
  const group = Buffer.concat([bytesOfNumber(ID.blockGroup), sizeOf(groupBytes), duration, block]);
  return Buffer.concat([
    bytesOfNumber(ID.cluster),
    sizeOf(timestamp.length + group.length + bytes),
    timestamp,
    group,
  ]);
}
