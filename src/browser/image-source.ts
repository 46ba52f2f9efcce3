// Reads images in browsers from files, elements and canvases.
import { InputError, messageOf } from '../base/errors.js';
import { centreSquare, type Extent, type Square } from '../base/geometry.js';
import type { DecodedImage } from '../data/decoded-image.js';
import { type Canvas, contextOf, floatsOf, rgbOf, scaled, scaledSquare, shrunkSize } from './image-output.js';

/**
 * An image in a browser, as `createImageBitmap` accepts it: a file or other blob, an `<img>`, `<video>` or `<canvas>`, an
 * `ImageBitmap`, `OffscreenCanvas`, `VideoFrame`, or `ImageData`.
 */
export type ImageSource = ImageBitmapSource;

function newCanvas({ width, height }: Extent): Canvas {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

function kindOf(source: unknown): string {
  if (source instanceof Blob) return `${(source as Partial<File>).name ?? 'a blob'} of ${source.size} bytes`;
  if (typeof source !== 'object' || source === null) return `a ${typeof source}`;
  return Object.prototype.toString.call(source).slice('[object '.length, -1);
}

function imageError(source: ImageSource, remedy: string, error: unknown): InputError {
  return new InputError(
    {
      expected: 'an image that this browser can read',
      found: `${kindOf(source)} (${messageOf(error)})`,
      remedy,
    },
    { cause: error },
  );
}

/** A decoded image, upright; transparent parts are read as white. */
export interface OpenedImage extends Extent {
  /** Returns a square of it as `[size, size, 3]` in [-1, 1]. @throws InputError if the page is not allowed to read it. */
  square(square: Square, size: number): Float32Array;
  /** Returns a copy with 8-bit numbers, scaled down until no side is longer than `longest` px. @throws InputError as above. */
  copy(longest: number): DecodedImage;
  /** Frees its memory. */
  close(): void;
}

/** Decodes an image. @throws InputError if it is none. */
export async function openImageSource(source: ImageSource): Promise<OpenedImage> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source);
  } catch (error) {
    throw imageError(
      source,
      'give a JPEG, PNG or WebP file, or an image, video or canvas that has loaded',
      error,
    );
  }
  const { width, height } = bitmap;
  const pixels = (draw: () => Canvas): Uint8ClampedArray => {
    try {
      const canvas = draw();
      return contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height).data;
    } catch (error) {
      throw imageError(
        source,
        'load images of other hosts with crossorigin="anonymous", if those allow it',
        error,
      );
    }
  };
  return {
    width,
    height,
    square: (square, size) => floatsOf(pixels(() => scaledSquare(bitmap, square, size, newCanvas))),
    copy(longest) {
      const size = shrunkSize({ width, height }, longest);
      const data = rgbOf(pixels(() => scaled(bitmap, { x: 0, y: 0, width, height }, size, newCanvas)));
      return { data, ...size };
    },
    close: () => bitmap.close(),
  };
}

/**
 * Reads the centred square of an image, scaled, upright, with transparent parts white.
 *
 * @returns `[size, size, 3]` in [-1, 1].
 * @throws InputError if it is not an image, or the page is not allowed to read it.
 */
export async function readImage(source: ImageSource, size: number): Promise<Float32Array> {
  const image = await openImageSource(source);
  try {
    return image.square(centreSquare(image), size);
  } finally {
    image.close();
  }
}
