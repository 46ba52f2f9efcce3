// Decodes image files to 8-bit sRGB, and encodes results.
import { extname } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import type { DecodedImage } from './decoded-image.js';
import { type Description, descriptionExif } from './description.js';
import { type ImageFile, openImage } from './image-file.js';

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

/** The libraries that decode and resize images, with their versions: pixels may depend on them. */
export const DECODER = Object.entries(sharp.versions)
  .map(([name, version]) => `${name} ${version}`)
  .sort()
  .join(', ');

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

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP file, recognised by its content, to 8-bit sRGB:
 * - the EXIF orientation is applied; an embedded colour profile and CMYK are converted to sRGB;
 * - grey becomes three equal channels; transparency is laid over white; 16 bits are reduced to 8;
 * - floats from 0 to 1 and 32-bit integers of a TIFF file are scaled to 8 bits;
 * - the first frame of an animation and the first page of a document are used;
 * - resizing uses a Lanczos filter (3 lobes), widened for reduction, in sRGB as the reference does.
 *
 * Every call reads the file, so a changed file is never answered from a cache.
 *
 * @param source a path, or the bytes of a file.
 * @throws InputError that names the file if it is missing, a folder, unreadable, empty, of another kind, damaged,
 *   truncated, or has more than 2^29 pixels or 2^17 on a side; a file that only lacks its end marker is decoded.
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
  const scaling = { kernel: 'lanczos3', fastShrinkOnLoad: false } as const;
  return file.read(async (upright) => {
    if (square) upright.extract({ ...square, width: square.side, height: square.side });
    if (size !== undefined)
      upright.resize(size, size, {
        ...scaling,
        fit: fit === 'stretch' ? 'fill' : 'cover',
        position: 'centre',
      });
    else if (longest !== undefined)
      upright.resize(longest, longest, { ...scaling, fit: 'inside', withoutEnlargement: true });
    const { data, info } = await upright
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { data: toThreeChannels(data, info.channels), width: info.width, height: info.height };
  });
}

/** An 8-bit sRGB image with its alpha, row-major [height, width, 4]. */
export interface ImageWithAlpha {
  /** `height * width * 4` bytes: red, green, blue and alpha, row by row; colours are not multiplied by alpha. */
  data: Uint8Array;
  width: number;
  height: number;
}

/** Lays an image over white. An opaque image of three channels is returned itself. */
export function overWhite(image: DecodedImage | ImageWithAlpha): DecodedImage {
  const { data, width, height } = image;
  const pixels = width * height;
  if (data.length === pixels * 3) return image;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const alpha = data[4 * i + 3]! / 255;
    for (let c = 0; c < 3; c++) out[3 * i + c] = Math.round(data[4 * i + c]! * alpha + 255 * (1 - alpha));
  }
  return { data: out, width, height };
}

/** Decodes the pixels of an opened file with their transparency, in the size of the file. @throws InputError for a damaged file. */
export async function decodeWithAlpha(file: ImageFile): Promise<ImageWithAlpha> {
  return file.read(
    async (upright) => {
      const { data, info } = await upright
        .toColourspace('srgb')
        .ensureAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return {
        data: new Uint8Array(data.buffer, data.byteOffset, data.length),
        width: info.width,
        height: info.height,
      };
    },
    { keepsAlpha: true },
  );
}

/**
 * Encodes an image by the extension of `path` (.png; .jpg and .jpeg at quality 95 without chroma subsampling; .webp at
 * quality 95) and writes the file atomically.
 *
 * @param image data of four channels, the last of them alpha, is written with its transparency (as RGB in .jpg).
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
  const channels = data.length === width * height * 4 ? 4 : 3;
  const encoder = sharp(data, { raw: { width, height, channels } });
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
