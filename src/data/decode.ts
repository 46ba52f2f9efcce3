// Decodes image files to 8-bit sRGB, and encodes results.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import type { DecodedImage } from './decoded-image.js';
import { type Description, descriptionExif } from './description.js';

export { type DecodedImage, fromFloat, toFloat } from './decoded-image.js';

/**
 * How an image that is not square becomes square: `cover` scales the shorter side to the size and crops the centre;
 * `stretch` scales both sides, as the reference's `Resize((size, size))` does.
 */
export type Fit = 'cover' | 'stretch';

export interface DecodeOptions {
  /** Side of the square result, px; by default the image keeps the size of the file. */
  size?: number;
  /** `cover` by default. */
  fit?: Fit;
  /** Decodes this part of the upright image alone, in whole px within it. */
  square?: Square;
  /** Scales the image down, at its aspect ratio, until no side is longer than this, px. Ignored with `size`. */
  longest?: number;
}

/** Formats by sharp's names; heif is AVIF here. */
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'heif', 'gif', 'tiff']);

/** The libraries that decode and resize images, with their versions: pixels may depend on them. */
export const DECODER = Object.entries(sharp.versions)
  .map(([name, version]) => `${name} ${version}`)
  .sort()
  .join(', ');

const REPLACE = 'replace or remove the file';

/** 23,170 x 23,170. Larger images are rejected by their header, before a decoder allocates memory. */
const MAX_PIXELS = 2 ** 29;

/** Reads a file. @throws InputError that names a file that is missing, a folder, unreadable or empty. */
export async function readImageBytes(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = systemCode(error) ?? messageOf(error);
    const known: Record<string, [found: string, remedy: string]> = {
      ENOENT: ['nothing', 'check the path'],
      EISDIR: ['a folder', 'name a file'],
      EACCES: ['one without permission to read it', 'make it readable (chmod +r)'],
    };
    const [found, remedy] = known[code] ?? [`one that cannot be read (${code})`, REPLACE];
    throw new InputError({ expected: `an image at ${path}`, found, remedy }, { cause: error });
  }
  if (bytes.byteLength === 0) {
    throw new InputError({ expected: `an image at ${path}`, found: 'an empty file', remedy: REPLACE });
  }
  return bytes;
}

function notAnImage(name: string, found: string, cause?: unknown): InputError {
  return new InputError({ expected: `an image at ${name}`, found, remedy: REPLACE }, { cause });
}

/** Converts one, two or four channels to three; sharp returns fewer than three for grey images only. */
function toThreeChannels(data: Uint8Array, channels: number): Uint8Array {
  // Buffer.slice() shares memory, Uint8Array.slice() copies: return a plain Uint8Array.
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const pixels = data.length / channels;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) out[i * 3 + c] = data[i * channels + (channels >= 3 ? c : 0)]!;
  }
  return out;
}

/** An image file whose header has been read, but not its pixels. */
export interface ImageFile {
  /** Its name in errors. */
  name: string;
  /** Size of the upright image, px. */
  width: number;
  height: number;
  /** Returns a new sharp pipeline of the upright, opaque image with every call. */
  pipeline(): Sharp;
  /** Makes the error for a pipeline that failed. */
  damaged(error: unknown): InputError;
}

/** Reads the header of an image file. @throws InputError as `decodeImage`. */
export async function openImage(
  source: string | Uint8Array,
  nameOfBytes = 'the given bytes',
): Promise<ImageFile> {
  const name = typeof source === 'string' ? source : nameOfBytes;
  const bytes = typeof source === 'string' ? await readImageBytes(source) : source;
  if (bytes.byteLength === 0) throw notAnImage(name, 'no bytes');
  // Accepts what sharp merely warns about, as most viewers do, but neither truncated nor damaged files.
  const open = (): Sharp => sharp(bytes, { failOn: 'error', pages: 1, limitInputPixels: false });
  const damaged = (error: unknown): InputError => notAnImage(name, describe(error), error);
  const { format, space, hasProfile, autoOrient } = await open()
    .metadata()
    .catch((error: unknown) => Promise.reject(damaged(error)));
  // Without this check SVG would pass, which is a program that draws at any size.
  if (!FORMATS.has(format)) throw notAnImage(name, `a file of the kind ${format}`);
  const { width, height } = autoOrient;
  if (width * height > MAX_PIXELS)
    throw new InputError({
      expected: `an image of at most ${MAX_PIXELS / 2 ** 20} Mi pixels at ${name}`,
      found: `one of ${width} x ${height}`,
      remedy: 'scale it down first',
    });
  const pipeline = (): Sharp => {
    const upright = open().autoOrient().flatten({ background: '#ffffff' });
    // sharp converts 16-bit colours with a profile to Display P3, and to sRGB on request only.
    if (space === 'rgb16' && hasProfile) upright.withIccProfile('srgb');
    return upright;
  };
  return { name, width, height, pipeline, damaged };
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF or TIFF file, recognised by its content, to 8-bit sRGB:
 * - the EXIF orientation is applied; an embedded colour profile and CMYK are converted to sRGB;
 * - grey becomes three equal channels; transparency is laid over white; 16 bits are reduced to 8;
 * - the first frame of an animation and the first page of a document are used;
 * - resizing uses a Lanczos filter (3 lobes), widened for reduction, in sRGB as the reference does.
 *
 * Every call reads the file, so a changed file is never answered from a cache.
 *
 * @param source a path, or the bytes of a file.
 * @throws InputError that names the file if it is missing, a folder, unreadable, empty, of another kind, damaged,
 *   truncated, or has more than 2^29 pixels.
 */
export async function decodeImage(
  source: string | Uint8Array,
  {
    name,
    ...options
  }: DecodeOptions & {
    /** The name in errors of an image that is passed as bytes. */
    name?: string;
  } = {},
): Promise<DecodedImage> {
  return decodeImageFile(await openImage(source, name), options);
}

/** Decodes the pixels of an opened file as `decodeImage` does. @throws InputError for a damaged file. */
export async function decodeImageFile(
  file: ImageFile,
  { size, fit, square, longest }: DecodeOptions = {},
): Promise<DecodedImage> {
  const upright = file.pipeline();
  if (square) upright.extract({ ...square, width: square.side, height: square.side });
  const scaling = { kernel: 'lanczos3', fastShrinkOnLoad: false } as const;
  if (size !== undefined)
    upright.resize(size, size, {
      ...scaling,
      fit: fit === 'stretch' ? 'fill' : 'cover',
      position: 'centre',
    });
  else if (longest !== undefined)
    upright.resize(longest, longest, { ...scaling, fit: 'inside', withoutEnlargement: true });
  try {
    const { data, info } = await upright
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { data: toThreeChannels(data, info.channels), width: info.width, height: info.height };
  } catch (error) {
    throw file.damaged(error);
  }
}

/** libvips keeps one error text for all threads, perhaps of another file: the text stays in the cause. */
function describe(error: unknown): string {
  if (messageOf(error).includes('unsupported image format')) return 'a file that is not an image';
  return 'a damaged or truncated file';
}

/**
 * Encodes an image by the extension of `path` (.png; .jpg and .jpeg at quality 95 without chroma subsampling; .webp at
 * quality 95) and writes the file atomically.
 *
 * @param metadata how the image was made (seed, checkpoint), stored as a JSON object in EXIF's ImageDescription.
 * @throws InputError for another extension; RunError that names the path if writing fails.
 * @example
 * ```ts
 * import { loadModel, saveImage, translate } from 'gans-n-roses';
 *
 * const model = await loadModel('runs/first');
 * for (const [i, { image, style }] of (await translate(model, 'me.jpg', { styles: 4 })).entries())
 *   await saveImage(image, `anime-${i}.webp`, { style: [...style] });
 * ```
 */
export async function encodeImage(image: DecodedImage, path: string, metadata?: Description): Promise<void> {
  const { data, width, height } = image;
  const encoder = sharp(data, { raw: { width, height, channels: 3 } });
  if (metadata !== undefined) encoder.withExif(descriptionExif(metadata));
  const extension = extname(path).toLowerCase();
  if (extension === '.png') encoder.png();
  else if (extension === '.jpg' || extension === '.jpeg') {
    encoder.jpeg({ quality: 95, chromaSubsampling: '4:4:4' });
  } else if (extension === '.webp') encoder.webp({ quality: 95 });
  else {
    throw new InputError({
      expected: 'a file name that ends in .png, .jpg or .webp',
      found: path,
      remedy: 'change the extension',
    });
  }
  await writeFileAtomic(path, await encoder.toBuffer());
}

/** Writes an image as PNG atomically, regardless of the extension. @throws RunError if writing fails. */
export async function encodePng(image: DecodedImage, path: string): Promise<void> {
  const { data, width, height } = image;
  await writeFileAtomic(
    path,
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
}
