import { InputError, messageOf } from '../base/errors.js';
import { centreSquare, type Extent } from '../base/geometry.js';
import { type Canvas, contextOf, floatsOf, scaledSquare } from './image-output.js';

/**
 * An image in a browser, as `createImageBitmap` takes it: a file or other blob, an `<img>`, `<video>` or `<canvas>`, an
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
 * The centred square of an image, scaled: `[size, size, 3]` in [-1, 1]. Files are turned upright, and transparent parts are
 * white.
 *
 * @throws InputError where it is none, or none that the page may look at.
 */
export async function readImage(source: ImageSource, size: number): Promise<Float32Array> {
  const complain = (remedy: string, error: unknown) =>
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
    throw complain('give a JPEG, PNG or WebP file, or an image, video or canvas that has loaded', error);
  }
  try {
    const canvas = scaledSquare(bitmap, centreSquare(bitmap), size, newCanvas);
    return floatsOf(contextOf(canvas).getImageData(0, 0, size, size).data);
  } catch (error) {
    throw complain('take images of other hosts with crossorigin="anonymous", where these allow it', error);
  } finally {
    bitmap.close();
  }
}
