// Headers of image files, and whole image files.
import sharp from 'sharp';
import { InputError } from '../../../src/base/errors.js';
import { BmpError, bmpExtent, bmpToTiff } from '../../../src/data/bmp.js';
import { profileName } from '../../../src/data/check/icc.js';
import { decodeImage } from '../../../src/data/decode.js';
import { imageDescription } from '../../../src/data/description.js';
import { hdrTransfer } from '../../../src/data/hdr.js';
import { imageKindOf } from '../../../src/data/image-kinds.js';
import { hasAllBlocks } from '../../../src/data/jpeg-blocks.js';
import { readJpegHeader } from '../../../src/data/jpeg-header.js';
import { readTiffHeader, unreadTiff } from '../../../src/data/tiff-header.js';
import { describeRecord, readRecord } from '../../../src/images/record.js';
import { flatPng, pngChunk } from '../hostile.js';
import { directories, jsonLike } from '../inputs.js';
import type { FuzzTarget } from '../target.js';
import { scratchFile } from './scratch.js';

const never = (): boolean => false;
const SIDE = 24;

const drawing = () => {
  const pixels = Buffer.from(Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 37) % 256));
  return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });
};

/** A JPEG with everything that a camera writes; `progressive` in several scans. */
const jpeg = (progressive: boolean): Promise<Buffer> =>
  drawing()
    .withMetadata({ orientation: 6, exif: { IFD0: { ImageDescription: 'made by a test' } } })
    .jpeg({ progressive })
    .toBuffer();

const exifOf = async (): Promise<Buffer> => (await sharp(await jpeg(false)).metadata()).exif!;
const profileOf = async (): Promise<Buffer> =>
  (await sharp(await drawing().withIccProfile('p3').jpeg().toBuffer()).metadata()).icc!;

/** A BMP of 24 bits, 4 x 3 px. */
function bmp(): Uint8Array {
  const bytes = Buffer.alloc(54 + 36);
  bytes.write('BM', 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(4, 18);
  bytes.writeInt32LE(3, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

const RECORD = describeRecord({
  model: 'ab'.repeat(32),
  direction: 'A2B',
  styles: [{ label: 'style-1', code: Float32Array.of(0.5, -1), origin: { seed: 7 } }],
});

/** A PNG whose EXIF block has this text as its description. */
function describedPng(text: Uint8Array): Uint8Array {
  const directory = Buffer.alloc(26);
  directory.write('II*\0\b\0\0\0\x01\0\x0e\x01\x02\0', 'latin1');
  directory.writeUInt32LE(text.byteLength + 1, 14);
  directory.writeUInt32LE(directory.length, 18);
  return flatPng(1, 1, pngChunk('eXIf', Buffer.concat([directory, text, Buffer.alloc(1)])));
}

/** The words of an image about its translation; what becomes the name of a file must be harmless. */
const record: FuzzTarget = {
  seeds: () => [Buffer.from(JSON.stringify(RECORD))],
  structured: jsonLike(RECORD),
  run: async (bytes) => {
    const { styles } = await readRecord(scratchFile(describedPng(bytes), 'record.png'));
    for (const { label, code } of styles) {
      if (!/^[^./][^/]*$/.test(label)) throw new Error(`a label that leads elsewhere: ${label}`);
      if (!code.every(Number.isFinite)) throw new Error('a style with numbers that are not finite');
    }
  },
  refused: (error) => error instanceof InputError,
  runs: 600,
};

/** Targets by name. */
export const imageTargets: Record<string, FuzzTarget> = {
  record,
  exif: {
    seeds: async () => [await exifOf()],
    structured: directories,
    run: imageDescription,
    refused: never,
    runs: 3000,
  },
  icc: { seeds: async () => [await profileOf()], run: profileName, refused: never, runs: 3000 },
  jpeg: {
    seeds: async () => [await jpeg(false), await jpeg(true)],
    run: (bytes) => {
      readJpegHeader(bytes);
      hasAllBlocks(bytes);
    },
    refused: never,
    runs: 2000,
  },
  tiff: {
    seeds: async () => [await drawing().tiff().toBuffer()],
    structured: directories,
    run: (bytes) => {
      const header = readTiffHeader(bytes);
      if (header) unreadTiff(header);
    },
    refused: never,
    runs: 3000,
  },
  bmp: {
    seeds: () => [bmp()],
    run: (bytes) => {
      const { width, height } = bmpExtent(bytes);
      // Callers refuse sizes beyond the limit before pixels are read.
      if (width * height <= 2 ** 20) bmpToTiff(bytes);
    },
    refused: (error) => error instanceof BmpError || error instanceof RangeError,
    runs: 2000,
  },
  'image-kind': {
    seeds: async () => [
      await jpeg(false),
      await drawing().avif({ effort: 0 }).toBuffer(),
      Buffer.from('\0\0\0\x18ftypheic\0\0\0\0heicmif1', 'latin1'),
      bmp(),
    ],
    run: (bytes) => {
      if (bytes.byteLength === 0) return;
      const kind = imageKindOf(bytes);
      if (kind === 'avif' || kind === 'png') hdrTransfer(bytes, kind);
    },
    refused: never,
    runs: 2000,
  },
  image: {
    seeds: async () => [
      await jpeg(false),
      await drawing().png().toBuffer(),
      await drawing().webp().toBuffer(),
      await drawing().gif().toBuffer(),
      await drawing().tiff().toBuffer(),
      bmp(),
    ],
    run: (bytes) => decodeImage(bytes, { size: 8 }),
    refused: (error) => error instanceof InputError,
    runs: 500,
  },
};
