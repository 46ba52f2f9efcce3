// Opens image files: recognises their kind, checks what their headers say, and makes pipelines that decode them.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { fsPath, shownPath } from '../base/file-names.js';
import { formatBytes } from '../base/format-bytes.js';
import type { Extent } from '../base/geometry.js';
import { limitedProcessors } from '../base/processors.js';
import { BmpError, bmpExtent, bmpToTiff } from './bmp.js';
import { hdrTransfer } from './hdr.js';
import { imageKindOf, type ReadableKind } from './image-kinds.js';
import { hasAllBlocks } from './jpeg-blocks.js';
import { readJpegHeader } from './jpeg-header.js';
import { eightBitCopy, SampleRangeError, scaledCopy } from './sample-depth.js';
import {
  needsScaling,
  readTiffHeader,
  type TiffHeader,
  tiffCompressionName,
  unreadTiff,
} from './tiff-header.js';

/** The remedy for files that no conversion mends. */
export const REPLACE = 'replace or remove the file';
const SAVE_AS_8_BIT = 'save it as RGB with 8 or 16 bits a channel first';

/** 23,170 x 23,170. Larger images are rejected by their header, before a decoder allocates memory. */
const MAX_PIXELS = 2 ** 29;
/** Decoders keep several rows for each row of a smaller result: a file of 600 bytes that claims rows of 50 MB took 11 GB. */
const MAX_SIDE_PX = 2 ** 17;
/** Images whose samples are scaled take 16 bytes a pixel meanwhile. */
const MAX_SCALED_PIXELS = 2 ** 27;
const MAX_FILE_BYTES = 2 ** 30;
/** End markers are looked for in so many bytes at the end, because some writers append zeros. */
const ENDING_BYTES = 64;
const GIF_END = 0x3b;
/** JPEG decoders fill rows that are missing with the middle of the range. */
const MISSING_LEVEL = 128;

/** Makes the error about an image that is not taken. */
function notTaken(name: string, found: string, remedy = REPLACE, cause?: unknown): InputError {
  return new InputError({ expected: `an image at ${name}`, found, remedy }, { cause });
}

/** Reads a stream of unknown length. */
async function readStream(path: string | Buffer, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_FILE_BYTES) throw notTaken(name, `more than ${formatBytes(MAX_FILE_BYTES)}`);
  }
  return Buffer.concat(chunks);
}

/**
 * Reads a file.
 *
 * @throws InputError that names a file that is missing, a folder, a device, unreadable, empty or larger than 1 GiB.
 */
export async function readImageBytes(path: string): Promise<Uint8Array> {
  const name = shownPath(path);
  const place = fsPath(path);
  let bytes: Uint8Array;
  try {
    const info = await stat(place);
    if (info.isCharacterDevice() || info.isBlockDevice() || info.isSocket())
      throw notTaken(name, 'a device', 'name a file');
    if (info.size > MAX_FILE_BYTES)
      throw notTaken(name, `a file of ${formatBytes(info.size)}`, 'check that it is an image');
    bytes = info.isFIFO() ? await readStream(place, name) : await readFile(place);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = systemCode(error) ?? messageOf(error);
    const known: Record<string, [found: string, remedy: string]> = {
      ENOENT: ['nothing', 'check the path'],
      ENOTDIR: ['nothing', 'check the path'],
      EISDIR: ['a folder', 'name a file'],
      EACCES: ['one without permission to read it', 'make it readable (chmod +r)'],
      ENAMETOOLONG: ['a name that is too long', 'check the path'],
    };
    const [found, remedy] = known[code] ?? [`one that cannot be read (${code})`, REPLACE];
    throw notTaken(name, found, remedy, error);
  }
  if (bytes.byteLength === 0) throw notTaken(name, 'an empty file');
  return bytes;
}

/** What the header of an image file says. */
export interface ImageFacts {
  /** Format by content: jpeg, png, webp, avif, gif, tiff, bmp. */
  format: ReadableKind;
  /** The colour space of the file, by the name that libvips gives it. */
  space: string;
  hasAlpha: boolean;
  /** The embedded ICC profile. */
  profile?: Uint8Array;
  /** What is wrong with a file that is read all the same, in words: "lacks its end marker". */
  flaw?: string;
}

/** An image file whose header has been read, but not its pixels. */
export interface ImageFile extends Extent {
  /** Its name in errors. */
  name: string;
  /** Size of the upright image, px. */
  width: number;
  height: number;
  facts: ImageFacts;
  /**
   * Runs a pipeline of the upright image, over white by default, or with its alpha. The pipeline may run twice.
   *
   * @throws InputError for a file that is damaged or truncated.
   */
  read<T>(use: (upright: Sharp) => Promise<T>, options?: { keepsAlpha?: boolean }): Promise<T>;
}

/** A file as the decoder takes it. */
interface Source {
  bytes: Uint8Array;
  flaw?: string;
  /** What the file is if the decoder does not know it. */
  unknownAs?: string;
  tiff?: TiffHeader;
  /** The decoder's warnings count as errors. */
  isStrict?: boolean;
}

type FailOn = 'error' | 'warning';

const openWith = (bytes: Uint8Array, failOn: FailOn, ignoreIcc = false): Sharp =>
  sharp(bytes, { failOn, pages: 1, limitInputPixels: false, ignoreIcc });

// libvips counts the processors of the affinity, and knows no quotas.
const processors = limitedProcessors();
if (processors !== undefined) sharp.concurrency(Math.min(sharp.concurrency(), processors));

const MEBI = 2 ** 20;

function checkSize({ width, height }: Extent, name: string): void {
  const found = `one of ${width} x ${height}`;
  if (Math.max(width, height) > MAX_SIDE_PX)
    throw new InputError({
      expected: `an image whose sides have at most ${MAX_SIDE_PX} px at ${name}`,
      found,
      remedy: 'cut it into parts first',
    });
  if (width * height > MAX_PIXELS)
    throw new InputError({
      expected: `an image of at most ${MAX_PIXELS / MEBI} Mi pixels at ${name}`,
      found,
      remedy: 'scale it down first',
    });
}

function checkScaledSize({ width, height }: Extent, bits: number, name: string): void {
  if (width * height <= MAX_SCALED_PIXELS) return;
  throw new InputError({
    expected: `a TIFF file of ${bits}-bit samples with at most ${MAX_SCALED_PIXELS / MEBI} Mi pixels at ${name}`,
    found: `one of ${width} x ${height}`,
    remedy: 'scale it down, or save it with 8 or 16 bits a channel',
  });
}

function jpegSource(bytes: Uint8Array, name: string): Source {
  const header = readJpegHeader(bytes);
  if (header === undefined) return { bytes };
  if (header.isLossless) throw notTaken(name, 'a JPEG-LS image', 'convert it to JPEG or PNG first');
  if (header.bits !== 8)
    throw notTaken(
      name,
      `a JPEG image of ${header.bits} bits a channel`,
      'save it with 8 bits a channel, or as PNG or TIFF first',
    );
  if (header.hasEnd) return { bytes };
  if (!(header.isProgressive ? header.hasAllScans : hasAllBlocks(bytes)))
    throw notTaken(name, 'a damaged or truncated file');
  // The decoder takes the end of the file for the loss of rows, whatever is lost.
  const whole = Buffer.concat([bytes, Buffer.of(0xff, 0xd9)]);
  return { bytes: whole, flaw: 'lacks its end marker', isStrict: true };
}

function bmpSource(bytes: Uint8Array, name: string): Source {
  try {
    checkSize(bmpExtent(bytes), name);
    return { bytes: bmpToTiff(bytes) };
  } catch (error) {
    if (error instanceof BmpError) throw notTaken(name, error.message, undefined, error);
    if (error instanceof RangeError) throw notTaken(name, 'a truncated BMP file', undefined, error);
    throw error;
  }
}

function tiffSource(bytes: Uint8Array, name: string): Source {
  const tiff = readTiffHeader(bytes);
  if (tiff === undefined) return { bytes };
  const unread = unreadTiff(tiff);
  if (unread !== undefined)
    throw notTaken(name, unread, unread.includes('raw') ? 'develop it to JPEG or TIFF first' : SAVE_AS_8_BIT);
  const compression = tiffCompressionName(tiff);
  return { bytes, tiff, ...(compression && { unknownAs: `a TIFF file compressed with ${compression}` }) };
}

/** The end chunk of a PNG file has a checksum of four bytes behind its name. */
function hasWholeEndChunk(end: Buffer): boolean {
  const at = end.lastIndexOf('IEND');
  return at >= 0 && at + 8 <= end.length;
}

/** Recognises a file, and makes it ready for the decoder. @throws InputError for a kind that is not read. */
function sourceOf(bytes: Uint8Array, name: string): { kind: ReadableKind; source: Source } {
  const kind = imageKindOf(bytes);
  if (typeof kind !== 'string') throw notTaken(name, kind.name, kind.remedy);
  const transfer = kind === 'avif' || kind === 'png' ? hdrTransfer(bytes, kind) : undefined;
  if (transfer !== undefined)
    throw notTaken(
      name,
      `${kind === 'avif' ? 'an AVIF' : 'a PNG'} image in HDR (${transfer})`,
      'convert it to SDR first',
    );
  if (kind === 'jpeg') return { kind, source: jpegSource(bytes, name) };
  if (kind === 'bmp') return { kind, source: bmpSource(bytes, name) };
  if (kind === 'tiff') return { kind, source: tiffSource(bytes, name) };
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(-ENDING_BYTES);
  const lacksEnd = (kind === 'png' && !hasWholeEndChunk(end)) || (kind === 'gif' && !end.includes(GIF_END));
  return { kind, source: { bytes, ...(lacksEnd && { flaw: 'lacks its end marker' }) } };
}

/** Replaces samples that the decoder would misread by 8-bit ones. */
async function preparedSource(source: Source, metadata: Metadata, name: string): Promise<Source> {
  const { tiff, bytes } = source;
  const size = { width: metadata.width, height: metadata.height };
  if (tiff !== undefined && needsScaling(tiff)) {
    checkScaledSize(size, tiff.bits, name);
    return { ...source, bytes: await scaledCopy(openWith(bytes, 'error', true), tiff, metadata) };
  }
  const isDeep = metadata.space === 'rgb16' || metadata.space === 'grey16';
  if (isDeep && metadata.hasProfile)
    return { ...source, bytes: await eightBitCopy(openWith(bytes, 'error', true), metadata) };
  return source;
}

/** Returns whether a decoded JPEG image ends in rows that the file does not have. */
async function lacksRows(bytes: Uint8Array): Promise<boolean> {
  const { width, height, space } = await openWith(bytes, 'error').metadata();
  const side = { width: Math.min(8, width), height: Math.min(8, height) };
  const corner = await openWith(bytes, 'error', true)
    .extract({ left: width - side.width, top: height - side.height, ...side })
    .raw()
    .toBuffer();
  return corner.every((level) => level === corner[0]) && (corner[0] === MISSING_LEVEL || space === 'cmyk');
}

/** Opens the bytes of a file. @throws InputError as `decodeImage`. */
async function openBytes(bytes: Uint8Array, name: string): Promise<ImageFile> {
  const { kind, source } = sourceOf(bytes, name);
  // libvips keeps one error text for all threads, perhaps of another file: the text stays in the cause.
  const damaged = (error: unknown): InputError => {
    if (error instanceof InputError) return error;
    if (error instanceof SampleRangeError) return notTaken(name, error.message, error.remedy, error);
    return notTaken(
      name,
      source.unknownAs ?? 'a damaged or truncated file',
      source.unknownAs && SAVE_AS_8_BIT,
      error,
    );
  };
  try {
    const metadata = await openWith(source.bytes, 'error').metadata();
    const { autoOrient, space, hasAlpha, icc } = metadata;
    checkSize(autoOrient, name);
    const prepared = await preparedSource(source, metadata, name);
    const pipeline = (failOn: FailOn, keepsAlpha: boolean): Sharp => {
      const upright = openWith(prepared.bytes, failOn).autoOrient();
      return keepsAlpha ? upright : upright.flatten({ background: '#ffffff' });
    };
    const facts: ImageFacts = {
      format: kind,
      space,
      hasAlpha,
      ...(icc && { profile: icc }),
      ...(source.flaw && { flaw: source.flaw }),
    };
    return {
      ...{ name, width: autoOrient.width, height: autoOrient.height, facts },
      async read(use, { keepsAlpha = false } = {}) {
        // Accepts what the decoder merely warns about, as most viewers do, but neither truncated nor damaged files.
        if (kind !== 'jpeg')
          return use(pipeline('error', keepsAlpha)).catch((error) => Promise.reject(damaged(error)));
        try {
          return await use(pipeline('warning', keepsAlpha));
        } catch (error) {
          if (source.isStrict) throw notTaken(name, 'a damaged or truncated file', REPLACE, error);
        }
        // Only a few of the decoder's warnings mean that rows are missing.
        try {
          const result = await use(pipeline('error', keepsAlpha));
          if (!(await lacksRows(source.bytes))) return result;
        } catch (error) {
          throw damaged(error);
        }
        throw notTaken(name, 'a damaged or truncated file');
      },
    };
  } catch (error) {
    throw damaged(error);
  }
}

/**
 * Opens an image file: recognises its kind by its content and reads its header. The pixels of a BMP file, and of others whose samples
 * the decoder would misread, are read too.
 *
 * @param source a path, or the bytes of a file. @param nameOfBytes the name of bytes in errors.
 * @throws InputError as `decodeImage`.
 */
export async function openImage(
  source: string | Uint8Array,
  nameOfBytes = 'the given bytes',
): Promise<ImageFile> {
  const name = shownPath(typeof source === 'string' ? source : nameOfBytes);
  const bytes = typeof source === 'string' ? await readImageBytes(source) : source;
  if (bytes.byteLength === 0) throw notTaken(name, 'no bytes');
  return openBytes(bytes, name);
}
