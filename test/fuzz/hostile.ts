// Files that do harm to careless readers, some kilobytes each. `hostileFiles` makes them; every one has an answer that is right.
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** A file and the answer to it: a message that refuses it, or `taken` where it is a right picture after all. */
export interface HostileFile {
  name: string;
  bytes: Uint8Array;
  answer: RegExp | 'taken';
}

function crc32(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let k = 0; k < 8; k++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return ~sum >>> 0;
}

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  const tail = Buffer.alloc(4);
  head.writeUInt32BE(data.byteLength);
  tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
}

/** A PNG of one bit a pixel, all black, with further chunks before its pixels. */
export function flatPng(width: number, height: number, ...chunks: Buffer[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height), { level: 9 });
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', rows),
    pngChunk('IEND', new Uint8Array()),
  ]);
}

/** A JPEG whose colour profile claims 2^32 - 1 tags. */
async function endlessProfile(): Promise<Buffer> {
  const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer();
  const profile = Buffer.alloc(144);
  profile.writeUInt32BE(144, 0);
  profile.write('acsp', 36, 'latin1');
  profile.writeUInt32BE(0xffffffff, 128);
  const segment = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), profile]);
  const marker = Buffer.from([0xff, 0xe2, (segment.length + 2) >> 8, (segment.length + 2) & 255]);
  return Buffer.concat([plain.subarray(0, 2), marker, segment, plain.subarray(2)]);
}

/** A TIFF whose second directory is its first again. */
async function loopingTiff(): Promise<Buffer> {
  const tiff = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } })
    .tiff({ compression: 'none' })
    .toBuffer();
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const first = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  const count = isLittle ? tiff.readUInt16LE(first) : tiff.readUInt16BE(first);
  const next = first + 2 + 12 * count;
  if (isLittle) tiff.writeUInt32LE(first, next);
  else tiff.writeUInt32BE(first, next);
  return tiff;
}

/** A BMP in run lengths that skips all of its pixels. */
function skippedBmp(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(56);
  bytes.write('BM', 'latin1');
  for (const [at, value] of [
    [2, 56],
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
    [30, 1],
  ] as const)
    bytes.writeUInt32LE(value, at);
  for (const [at, value] of [
    [26, 1],
    [28, 8],
  ] as const)
    bytes.writeUInt16LE(value, at);
  bytes.writeUInt16BE(0x0001, 54);
  return bytes;
}

/** A GIF of many frames of one pixel. */
function manyFrames(count: number): Buffer {
  const start = Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1');
  const frame = Buffer.from('\x21\xf9\x04\0\x01\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0', 'latin1');
  return Buffer.concat([start, ...Array.from({ length: count }, () => frame), Buffer.from('\x3b', 'latin1')]);
}

const [FRAME, SCAN] = [0xc0, 0xda];

/** A JPEG without its end, in which `change` has changed a segment: its bytes from the marker on. */
async function changedJpeg(marker: number, change: (segment: Buffer) => void): Promise<Buffer> {
  const image = sharp({ create: { width: 24, height: 24, channels: 3, background: '#a04020' } });
  const bytes = (await image.jpeg().toBuffer()).subarray(0, -2);
  for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes[at + 1] === marker) {
      change(bytes.subarray(at));
      return bytes;
    }
  }
  throw new Error(`no marker ${marker}`);
}

/** Blocks of no width: as many as one likes fit into a row. */
const noWidth = (frame: Buffer): void => {
  for (let component = 0; component < 3; component++) frame[11 + 3 * component] = 0x01;
};

/** A compressed comment of 100 MB in some kilobytes. */
function longComment(): Buffer {
  const text = deflateSync(Buffer.alloc(100e6), { level: 9 });
  return pngChunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), text]));
}

/** All hostile image files. */
export async function hostileImages(): Promise<HostileFile[]> {
  return [
    { name: 'profile-tags.jpg', bytes: await endlessProfile(), answer: 'taken' },
    { name: 'no-width.jpg', bytes: await changedJpeg(FRAME, noWidth), answer: /damaged or truncated/ },
    {
      name: 'no-component.jpg',
      bytes: await changedJpeg(SCAN, (scan) => scan.fill(0, 4, 5)),
      answer: /damaged or truncated/,
    },
    { name: 'tiff-loop.tif', bytes: await loopingTiff(), answer: 'taken' },
    { name: 'bmp-runs.bmp', bytes: skippedBmp(20_000, 20_000), answer: /a truncated BMP file/ },
    { name: 'bmp-skips.bmp', bytes: skippedBmp(1000, 1000), answer: 'taken' },
    { name: 'gif-frames.gif', bytes: manyFrames(10_000), answer: 'taken' },
    { name: 'png-comment.png', bytes: flatPng(8, 8, longComment()), answer: 'taken' },
    { name: 'png-pixels.png', bytes: flatPng(40_000, 40_000), answer: /40000 x 40000; scale it down/ },
    // More than libvips takes by itself, and less than this program does.
    { name: 'png-large.png', bytes: flatPng(16_500, 16_500), answer: 'taken' },
    { name: 'png-wide.png', bytes: flatPng(2 ** 17, 1), answer: 'taken' },
    // Making it smaller took 11 GB.
    {
      name: 'png-rows.png',
      bytes: flatPng(16_776_984, 24),
      answer: /sides have at most 131072 px .* 16776984 x 24; cut it into parts/,
    },
    {
      name: 'svg.png',
      bytes: Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
      ),
      answer: /an SVG drawing/,
    },
    {
      name: 'html.jpg',
      bytes: Buffer.from('<!doctype html><script>alert(1)</script>'),
      answer: /a web page/,
    },
    { name: 'empty.png', bytes: new Uint8Array(), answer: /an empty file/ },
    {
      name: 'playlist.jpg',
      bytes: Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
      answer: /not an image/,
    },
  ];
}
