// Reads BMP files (Windows and OS/2) of 1 to 32 bits.
import type { Extent } from '../base/geometry.js';
import { flatTiff } from './flat-tiff.js';

/** A file that breaks the format, or uses a part of it that is not read. */
export class BmpError extends Error {
  /** `BmpError`. */
  override readonly name = 'BmpError';
}

const FILE_HEADER_BYTES = 14;
const COMPRESSIONS = ['none', 'RLE8', 'RLE4', 'masks', 'JPEG', 'PNG', 'masks'] as const;
/** Colour space of a version 5 header whose profile is in the file: "MBED". */
const EMBEDDED_PROFILE = 0x4d424544;

interface Header extends Extent {
  /** Whether the first row is the top one. */
  isTopDown: boolean;
  bits: number;
  compression: (typeof COMPRESSIONS)[number];
  /** Bits of red, green, blue and alpha in a pixel of 16 or 32 bits. */
  masks: readonly number[];
  /** [colours, 3]: red, green, blue. */
  palette: Uint8Array;
  /** Where the pixels start. */
  pixelsAt: number;
  profile: Uint8Array | undefined;
}

const TRUNCATED = 'a truncated BMP file';
/** Two bytes hold a run of up to 255 pixels. */
const MAX_PIXELS_A_BYTE = 128;
/** So many pixels may be skipped by their runs, whatever the size of the file. */
const MAX_SKIPPED_PIXELS = 2 ** 23;

/** Reads how the pixels are stored. @throws BmpError for what is not read. */
function readCompression(
  file: DataView,
  headerBytes: number,
): { code: number; compression: Header['compression'] } {
  const code = headerBytes >= 40 ? file.getUint32(30, true) : 0;
  // In headers of OS/2, 3 and 4 mean other compressions.
  const compression = headerBytes === 64 && code > 2 ? undefined : COMPRESSIONS[code];
  if (compression === undefined || compression === 'JPEG' || compression === 'PNG')
    throw new BmpError(`a BMP file with the compression ${compression ?? code}`);
  return { code, compression };
}

/** Returns the bits of the channels. Version 1 headers keep masks behind them; alpha needs a later version, or compression 6. */
function readMasks(file: DataView, headerBytes: number, code: number, bits: number): number[] {
  if (COMPRESSIONS[code] !== 'masks') return bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const count = headerBytes >= 56 || code === 6 ? 4 : 3;
  return Array.from({ length: count }, (_, i) => file.getUint32(FILE_HEADER_BYTES + 40 + 4 * i, true));
}

/** Reads size and layout. @throws BmpError for a part of the format that is not read; RangeError for a header that is cut off. */
function readHeader(bytes: Uint8Array): Header {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = file.getUint32(FILE_HEADER_BYTES, true);
  const isCore = headerBytes < 40;
  const width = isCore ? file.getUint16(18, true) : file.getInt32(18, true);
  const signedHeight = isCore ? file.getUint16(20, true) : file.getInt32(22, true);
  const bits = file.getUint16(isCore ? 24 : 28, true);
  const { code, compression } = readCompression(file, headerBytes);
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw new BmpError(`a BMP file with ${bits} bits a pixel`);
  if (width < 1 || signedHeight === 0) throw new BmpError('a damaged BMP file');
  const masks = readMasks(file, headerBytes, code, bits);
  const masksBehind = compression === 'masks' && headerBytes === 40 ? 4 * masks.length : 0;
  const pixelsAt = file.getUint32(10, true);
  const used = isCore ? 0 : file.getUint32(46, true);
  const colours = bits > 8 ? 0 : Math.min(used || 256, 2 ** bits);
  const paletteAt = FILE_HEADER_BYTES + headerBytes + masksBehind;
  return {
    ...{ width, height: Math.abs(signedHeight), isTopDown: signedHeight < 0 },
    ...{ bits, compression, masks, pixelsAt },
    palette: readPalette(bytes, paletteAt, Math.min(bytes.length, pixelsAt), colours, isCore ? 3 : 4),
    profile: embeddedProfile(file, bytes, headerBytes),
  };
}

/** Reads a palette; colours that the file has no room for are black. */
function readPalette(bytes: Uint8Array, from: number, to: number, colours: number, step: number): Uint8Array {
  const palette = new Uint8Array(3 * 256);
  for (let i = 0; i < colours && from + i * step + 3 <= to; i++)
    for (let c = 0; c < 3; c++) palette[3 * i + c] = bytes[from + i * step + 2 - c]!;
  return palette;
}

function embeddedProfile(file: DataView, bytes: Uint8Array, headerBytes: number): Uint8Array | undefined {
  if (headerBytes < 124 || file.getUint32(FILE_HEADER_BYTES + 56, true) !== EMBEDDED_PROFILE)
    return undefined;
  const from = FILE_HEADER_BYTES + file.getUint32(FILE_HEADER_BYTES + 112, true);
  const length = file.getUint32(FILE_HEADER_BYTES + 116, true);
  return length > 0 && from + length <= bytes.length ? bytes.subarray(from, from + length) : undefined;
}

/** Position of the lowest bit of a mask, and the largest value that it holds. */
function maskedBits(mask: number): { shift: number; max: number } {
  if (mask === 0) return { shift: 0, max: 0 };
  const shift = 31 - Math.clz32(mask & -mask);
  return { shift, max: (mask >>> shift) >>> 0 };
}

/** Expands run lengths to one index a pixel. Pixels that are skipped have index 0. @throws BmpError for data that is cut off. */
function expandRuns(bytes: Uint8Array, { width, height, compression, pixelsAt }: Header): Uint8Array {
  // A file of 60 bytes may claim, and skip, gigabytes.
  if (width * height > Math.max(MAX_SKIPPED_PIXELS, MAX_PIXELS_A_BYTE * bytes.length))
    throw new BmpError(TRUNCATED);
  const out = new Uint8Array(width * height);
  const isNibbles = compression === 'RLE4';
  let [at, x, y] = [pixelsAt, 0, 0];
  const take = (count: number): Uint8Array => {
    if (at + count > bytes.length) throw new BmpError(TRUNCATED);
    at += count;
    return bytes.subarray(at - count, at);
  };
  const takeTwo = (): [number, number] => {
    const pair = take(2);
    return [pair[0]!, pair[1]!];
  };
  /** Writes pixels whose values are read from `values`, again and again. */
  const put = (count: number, values: Uint8Array): void => {
    for (let i = 0; i < count && x < width; i++, x++) {
      const byte = values[(isNibbles ? i >> 1 : i) % values.length]!;
      out[y * width + x] = !isNibbles ? byte : i % 2 === 0 ? byte >> 4 : byte & 15;
    }
  };
  while (y < height) {
    const [count, value] = takeTwo();
    if (count > 0) put(count, Uint8Array.of(value));
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) {
      const [right, up] = takeTwo();
      [x, y] = [x + right, y + up];
    } else {
      const literals = take(isNibbles ? (value + 1) >> 1 : value);
      put(value, literals);
      // Literals are padded to two bytes.
      take(literals.length % 2);
    }
  }
  return out;
}

/** Copies a row of palette indices, packed in `bits`, into RGB. */
function copyIndices(row: Uint8Array, { width, bits, palette }: Header, out: Uint8Array): void {
  const perByte = 8 / bits;
  for (let x = 0; x < width; x++) {
    const byte = row[Math.floor(x / perByte)]!;
    const index = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
    for (let c = 0; c < 3; c++) out[3 * x + c] = palette[3 * index + c]!;
  }
}

/** Copies a row of pixels of 16 or 32 bits into RGB or RGBA. */
function copyMasked(
  row: Uint8Array,
  { width, bits, masks }: Header,
  channels: number,
  out: Uint8Array,
): void {
  const pixels = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const parts = masks.map((mask) => ({ mask, ...maskedBits(mask) }));
  for (let x = 0; x < width; x++) {
    const pixel = bits === 16 ? pixels.getUint16(2 * x, true) : pixels.getUint32(4 * x, true);
    for (let c = 0; c < channels; c++) {
      const { mask, shift, max } = parts[c]!;
      out[channels * x + c] = max === 0 ? 0 : Math.round((((pixel & mask) >>> shift) * 255) / max);
    }
  }
}

/** Returns the size of a BMP file, px. @throws BmpError and RangeError as `bmpToTiff`. */
export function bmpExtent(bytes: Uint8Array): Extent {
  const { width, height } = readHeader(bytes);
  return { width, height };
}

/**
 * Decodes a BMP file of 1, 2, 4, 8, 16, 24 or 32 bits a pixel: plain, in run lengths (RLE4, RLE8) and with masks; top row first or
 * last; headers of OS/2 and of Windows 3 to 5. Alpha counts if the header names its bits.
 *
 * @returns a TIFF file of the same pixels, with the embedded colour profile.
 * @throws BmpError for a truncated file and a part of the format that is not read; RangeError for a header that is cut off.
 */
export function bmpToTiff(bytes: Uint8Array): Buffer {
  const header = readHeader(bytes);
  const { width, height, bits, isTopDown, masks, compression, profile } = header;
  const channels = (masks[3] ?? 0) === 0 ? 3 : 4;
  const hasRuns = compression === 'RLE8' || compression === 'RLE4';
  const source = hasRuns ? expandRuns(bytes, header) : bytes.subarray(header.pixelsAt);
  const layout = hasRuns ? { ...header, bits: 8 } : header;
  const rowBytes = Math.ceil((width * layout.bits) / 8);
  const stride = hasRuns ? width : Math.ceil(rowBytes / 4) * 4;
  // Some writers leave out the padding of the last row.
  if ((height - 1) * stride + rowBytes > source.length) throw new BmpError(TRUNCATED);
  const { file, pixels } = flatTiff({ width, height, channels, profile });
  for (let y = 0; y < height; y++) {
    const row = source.subarray(y * stride, y * stride + rowBytes);
    const out = pixels.subarray((isTopDown ? y : height - 1 - y) * width * channels);
    if (layout.bits <= 8) copyIndices(row, layout, out);
    else if (bits === 24) for (let i = 0; i < 3 * width; i++) out[i] = row[i - (i % 3) + 2 - (i % 3)]!;
    else copyMasked(row, header, channels, out);
  }
  if (channels === 4) makeOpaqueIfInvisible(pixels);
  return file;
}

/** Some writers name bits for alpha and leave them all 0; viewers then show the image opaque. */
function makeOpaqueIfInvisible(pixels: Uint8Array): void {
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] !== 0) return;
  for (let i = 3; i < pixels.length; i += 4) pixels[i] = 255;
}
