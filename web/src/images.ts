// Opens images, and crops squares from them.
import type { Extent, Square } from '../../src/base/geometry.js';
import { contextOf, scaled, scaledSquare } from '../../src/browser/image-output.js';
import type { QuarterTurns } from '../../src/faces/turn.js';
import { make } from './dom.js';
import type { Pixels } from './messages.js';

/** A drawable source: a decoded image, or the video of a camera. */
export interface Source {
  image: CanvasImageSource;
  width: number;
  height: number;
}

/** Returns a canvas as a source. */
export function sourceOf(image: HTMLCanvasElement): Source {
  return { image, width: image.width, height: image.height };
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
  const whole = { image: bitmap, width, height };
  if (Math.max(width, height) <= MAX_PX) return whole;
  const image = shrunk(whole, MAX_PX);
  bitmap.close();
  return sourceOf(image);
}

/** Copies a source, scaled down until no side is longer than `longest` px. */
export function shrunk({ image, width, height }: Source, longest: number): HTMLCanvasElement {
  const scale = Math.min(1, longest / Math.max(width, height));
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  return scaled(image, { x: 0, y: 0, width, height }, size, newCanvas);
}

/** Copies a source, turned clockwise. */
export function turned({ image, width, height }: Source, turns: QuarterTurns): Source {
  const canvas = newCanvas(turns % 2 === 0 ? { width, height } : { width: height, height: width });
  const drawing = contextOf(canvas);
  drawing.translate(canvas.width / 2, canvas.height / 2);
  drawing.rotate((turns * Math.PI) / 2);
  drawing.drawImage(image, -width / 2, -height / 2, width, height);
  return sourceOf(canvas);
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
