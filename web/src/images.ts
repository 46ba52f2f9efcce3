// Opens images, and crops squares from them.
import type { Extent, Square } from '../../src/base/geometry.js';
import { contextOf, scaled, scaledSquare, shrunkSize } from '../../src/browser/image-output.js';
import type { QuarterTurns } from '../../src/faces/turn.js';
import { make } from './dom.js';
import type { Pixels } from './messages.js';

/** A drawable source: a decoded image, or the video of a camera. */
export interface Source {
  image: CanvasImageSource;
  width: number;
  height: number;
  /** The file that it was decoded from, and how it was turned afterwards. */
  original?: { file: Blob; turns: QuarterTurns };
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
  const original = { file, turns: 0 } as const;
  const whole = { image: bitmap, width, height, original };
  if (Math.max(width, height) <= MAX_PX) return whole;
  const image = shrunk(whole, MAX_PX);
  bitmap.close();
  return { ...sourceOf(image), original };
}

/** Draws a source, in its own size. */
export function canvasOf(source: Source): HTMLCanvasElement {
  return shrunk(source, Math.max(source.width, source.height));
}

/** Draws a photo in the size of its file; undefined where there is no file, or the browser cannot draw so much. */
export async function wholePhoto({ original }: Source): Promise<HTMLCanvasElement | undefined> {
  if (original === undefined) return undefined;
  try {
    const bitmap = await createImageBitmap(original.file);
    const { width, height } = bitmap;
    const canvas = turned({ image: bitmap, width, height }, original.turns).image as HTMLCanvasElement;
    bitmap.close();
    // Canvases above a browser's limit stay empty, and fail when they are read.
    contextOf(canvas).getImageData(0, 0, 1, 1);
    return canvas;
  } catch {
    return undefined;
  }
}

/** Copies a source, scaled down until no side is longer than `longest` px. */
export function shrunk({ image, width, height }: Source, longest: number): HTMLCanvasElement {
  const size = shrunkSize({ width, height }, longest);
  return scaled(image, { x: 0, y: 0, width, height }, size, newCanvas);
}

/** Copies a source, turned clockwise. */
export function turned({ image, width, height, original }: Source, turns: QuarterTurns): Source {
  const canvas = newCanvas(turns % 2 === 0 ? { width, height } : { width: height, height: width });
  const drawing = contextOf(canvas);
  drawing.fillStyle = '#ffffff';
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  drawing.translate(canvas.width / 2, canvas.height / 2);
  drawing.rotate((turns * Math.PI) / 2);
  drawing.drawImage(image, -width / 2, -height / 2, width, height);
  const all = original && (((original.turns + turns) % 4) as QuarterTurns);
  return { ...sourceOf(canvas), ...(original && { original: { file: original.file, turns: all! } }) };
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
