// Reads images in browsers from files, elements and canvases.
import { InputError, messageOf } from '../base/errors.js';
import { centreSquare, type Extent } from '../base/geometry.js';
import { type Canvas, contextOf, floatsOf, scaledSquare } from './image-output.js';

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

/**
 * Reads the centred square of an image, scaled, upright, with transparent parts white.
 *
 * @returns `[size, size, 3]` in [-1, 1].
 * @throws InputError if it is not an image, or the page is not allowed to read it.
 */
export async function readImage(source: ImageSource, size: number): Promise<Float32Array> {
  const inputError = (remedy: string, error: unknown) =>
    new InputError(
      {
        expected: 'an image that this browser can read',
        found: `${kindOf(source)} (${messageOf(error)})`,
        remedy,
      },
      { cause: error },
    );
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source);
  } catch (error) {
    throw inputError('give a JPEG, PNG or WebP file, or an image, video or canvas that has loaded', error);
  }
  try {
    const canvas = scaledSquare(bitmap, centreSquare(bitmap), size, newCanvas);
    return floatsOf(contextOf(canvas).getImageData(0, 0, size, size).data);
  } catch (error) {
    throw inputError('load images of other hosts with crossorigin="anonymous", if those allow it', error);
  } finally {
    bitmap.close();
  }
}
