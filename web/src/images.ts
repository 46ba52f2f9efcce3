// Opens images, and crops squares from them.
import type { Extent, Square } from '../../src/base/geometry.js';
import { contextOf, scaled, scaledSquare } from '../../src/browser/image-output.js';
import { make } from './dom.js';
import type { Pixels } from './messages.js';

/** A drawable source: a decoded image, or the video of a camera. */
export interface Source {
  image: CanvasImageSource;
  width: number;
  height: number;
}

/** Larger images are scaled down to this longer side, px; crops are far smaller. */
const MAX_PX = 2048;

/** Decodes an image upright. @throws Error that names the file. */
export async function openImage(file: Blob, name: string): Promise<Source> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} is not a picture that this browser can read; choose a JPEG, PNG or WebP file.`);
  }
  const { width, height } = bitmap;
  const scale = MAX_PX / Math.max(width, height);
  if (scale >= 1) return { image: bitmap, width, height };
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const image = scaled(bitmap, { x: 0, y: 0, width, height }, size, newCanvas);
  bitmap.close();
  return { image, ...size };
}

/** Frees the memory of an image that is not drawn any more. */
export function closeImage({ image }: Source): void {
  if (image instanceof ImageBitmap) image.close();
}

function newCanvas(size: Extent): HTMLCanvasElement {
  return make('canvas', size);
}

/** Scales a square of a source to `size` px. */
export function squareOf({ image }: Source, square: Square, size: number): HTMLCanvasElement {
  return scaledSquare(image, square, size, newCanvas);
}

export function pixelsOf(canvas: HTMLCanvasElement): Pixels {
  const { width, height } = canvas;
  return contextOf(canvas).getImageData(0, 0, width, height).data as Pixels;
}
