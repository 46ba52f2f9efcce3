import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import { type Description, descriptionExif } from './description.js';

/** An image: 8-bit sRGB, row-major [height, width, 3]. */
export interface DecodedImage {
  /** `height * width * 3` bytes: red, green and blue, row by row. */
  data: Uint8Array;
  /** Pixels in a row. */
  width: number;
  /** Rows. */
  height: number;
}

/**
 * How an image that is not square becomes one: `cover` scales the shorter side to the size and crops the centre;
 * `stretch` scales both sides, as the reference's `Resize((size, size))` does.
 */
export type Fit = 'cover' | 'stretch';

export interface DecodeOptions {
  /** Side of the square result in px; as large as the file where it is left out. */
  size?: number;
  /** `cover` where it is left out. */
  fit?: Fit;
  /** Only this part of the upright image, in whole px within it. */
  square?: Square;
  /** Scaled down, in its own shape, until no side is longer than this, px. Without `size`. */
  longest?: number;
}

/** As sharp names them; heif is AVIF here. */
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'heif', 'gif', 'tiff']);

/** The libraries that images are decoded and resized with, and their versions: what their pixels may depend on. */
export const DECODER = Object.entries(sharp.versions)
  .map(([name, version]) => `${name} ${version}`)
  .sort()
  .join(', ');

const REPLACE = 'replace or remove the file';

/** 23,170 x 23,170: what is larger is refused by its header, before a decoder takes the memory. */
const MAX_PIXELS = 2 ** 29;

/** The bytes of a file. @throws InputError that names it: missing, a folder, unreadable, empty. */
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

/** One, two or four channels to three; sharp gives fewer only for grey images. */
function toThreeChannels(data: Uint8Array, channels: number): Uint8Array {
  // A Buffer's slice() shares memory where a Uint8Array's copies: hand out the plain kind.
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const pixels = data.length / channels;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) out[i * 3 + c] = data[i * channels + (channels >= 3 ? c : 0)]!;
  }
  return out;
}

/** An image file whose header is read, and its pixels not yet. */
export interface ImageFile {
  /** What errors call it. */
  name: string;
  /** Of the upright image, px. */
  width: number;
  height: number;
  /** Upright and opaque, to be worked on: a new one with every call. */
  pipeline(): Sharp;
  /** The error for a pipeline that failed. */
  damaged(error: unknown): InputError;
}

/** Reads an image's header. @throws InputError as `decodeImage`. */
export async function openImage(
  source: string | Uint8Array,
  nameOfBytes = 'the given bytes',
): Promise<ImageFile> {
  const name = typeof source === 'string' ? source : nameOfBytes;
  const bytes = typeof source === 'string' ? await readImageBytes(source) : source;
  if (bytes.byteLength === 0) throw notAnImage(name, 'no bytes');
  // Harmless oddities (warnings) pass, as they do in most viewers; truncation and errors do not.
  const open = (): Sharp => sharp(bytes, { failOn: 'error', pages: 1, limitInputPixels: false });
  const damaged = (error: unknown): InputError => notAnImage(name, describe(error), error);
  const { format, space, hasProfile, autoOrient } = await open()
    .metadata()
    .catch((error: unknown) => Promise.reject(damaged(error)));
  // SVG would pass otherwise: a text that draws whatever it says, at any size.
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
    // sharp takes 16-bit colours with a profile to Display P3 and leaves them there unless told so.
    if (space === 'rgb16' && hasProfile) upright.withIccProfile('srgb');
    return upright;
  };
  return { name, width, height, pipeline, damaged };
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF or TIFF file, told by its content, to 8-bit sRGB:
 * - the EXIF orientation is applied; an embedded colour profile and CMYK are converted to sRGB;
 * - grey becomes three equal channels; transparency is laid over white; 16 bits are reduced to 8;
 * - of an animation the first frame is used, of several pages the first;
 * - resizing is Lanczos (3 lobes), widened when it reduces, in sRGB as the reference does.
 * A file is read at every call, so that a changed one is never answered from a cache.
 * @param source a path, or the bytes of a file.
 * @throws InputError that names the file: missing, a folder, unreadable, empty, of another kind, damaged or truncated,
 *   of more than 2^29 pixels.
 */
export async function decodeImage(
  source: string | Uint8Array,
  {
    name,
    ...options
  }: DecodeOptions & {
    /** What errors call an image that is given as bytes. */
    name?: string;
  } = {},
): Promise<DecodedImage> {
  return decodeImageFile(await openImage(source, name), options);
}

/** The pixels of an image file, as `decodeImage` has them. @throws InputError for a damaged one. */
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

/** libvips' own text stays in the cause: it is kept for all threads together, and may be another file's. */
function describe(error: unknown): string {
  if (messageOf(error).includes('unsupported image format')) return 'a file that is no image';
  return 'a damaged or truncated one';
}

/**
 * Encodes an image by the extension of `path` (.png; .jpg and .jpeg at quality 95 without chroma subsampling; .webp at
 * quality 95) and writes it whole or not at all.
 * @param metadata how the image came about (seed, checkpoint): a JSON object in EXIF's ImageDescription.
 * @throws InputError for another extension, RunError that names the path where the disk refuses.
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
      expected: `an image's name that ends in .png, .jpg or .webp`,
      found: path,
      remedy: 'change the extension',
    });
  }
  await writeFileAtomic(path, await encoder.toBuffer());
}

/** Writes an image as PNG, whole or not at all, whatever `path` ends in. @throws RunError where the disk refuses. */
export async function encodePng(image: DecodedImage, path: string): Promise<void> {
  const { data, width, height } = image;
  await writeFileAtomic(
    path,
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

/** 8-bit image to the networks' range: 0..255 becomes -1..1, [height, width, 3] float32. */
export function toFloat(image: { data: Uint8Array }): Float32Array {
  const out = new Float32Array(image.data.length);
  for (let i = 0; i < out.length; i++) out[i] = image.data[i]! / 127.5 - 1;
  return out;
}

/** The networks' range to an 8-bit image: -1..1 becomes 0..255, rounded to the nearest; what is beyond is clamped. */
export function fromFloat(data: Float32Array, width: number, height: number): DecodedImage {
  if (data.length !== width * height * 3) {
    throw new RangeError(
      `An image of ${width}x${height} px has ${width * height * 3} values, not ${data.length}`,
    );
  }
  // Uint8ClampedArray clamps, takes NaN as 0 and rounds ties to even.
  const clamped = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) clamped[i] = (data[i]! + 1) * 127.5;
  return { data: new Uint8Array(clamped.buffer), width, height };
}
