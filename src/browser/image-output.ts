// Draws and scales images on canvases, and converts between pixels and the range of the networks.
import type { Extent, Square } from '../base/geometry.js';

/** A canvas of a page, or the kind that workers have too. */
export type Canvas = HTMLCanvasElement | OffscreenCanvas;

/** Returns the drawing context of a canvas. @throws Error if the browser cannot draw. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D;
export function contextOf(canvas: Canvas): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
export function contextOf(canvas: Canvas): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D {
  const drawing = (canvas as HTMLCanvasElement).getContext('2d');
  if (drawing === null) throw new Error('This browser cannot draw on a canvas.');
  drawing.imageSmoothingQuality = 'high';
  return drawing;
}

/**
 * Scales part of an image. It reduces step by step to half the size, so that every pixel contributes. Transparent parts become
 * white.
 *
 * @param makeCanvas makes a canvas of the given size.
 */
export function scaled<C extends Canvas>(
  image: CanvasImageSource,
  part: Extent & { x: number; y: number },
  size: Extent,
  makeCanvas: (size: Extent) => C,
): C {
  let from: CanvasImageSource = image;
  let { x, y, width, height } = part;
  for (;;) {
    const next = {
      width: Math.max(size.width, Math.ceil(width / 2)),
      height: Math.max(size.height, Math.ceil(height / 2)),
    };
    const isLast = next.width === size.width && next.height === size.height;
    const canvas = makeCanvas(next);
    const drawing = contextOf(canvas as Canvas);
    drawing.fillStyle = '#ffffff';
    drawing.fillRect(0, 0, next.width, next.height);
    drawing.drawImage(from, x, y, width, height, 0, 0, next.width, next.height);
    if (isLast) return canvas;
    from = canvas;
    [x, y, width, height] = [0, 0, next.width, next.height];
  }
}

/** Returns the size of an image that is scaled down, at its aspect ratio, until no side is longer than `longest` px. */
export function shrunkSize({ width, height }: Extent, longest: number): Extent {
  const scale = Math.min(1, longest / Math.max(width, height));
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: side(width), height: side(height) };
}

/** Scales a square of an image to `size` px. */
export function scaledSquare<C extends Canvas>(
  image: CanvasImageSource,
  { left, top, side }: Square,
  size: number,
  makeCanvas: (size: Extent) => C,
): C {
  const part = { x: left, y: top, width: side, height: side };
  return scaled(image, part, { width: size, height: size }, makeCanvas);
}

/** Converts `[size, size, 4]` bytes to `[size, size, 3]` in [-1, 1]. */
export function floatsOf(pixels: Uint8ClampedArray): Float32Array {
  const image = new Float32Array((pixels.length / 4) * 3);
  for (let i = 0; i < image.length; i++) image[i] = pixels[Math.floor(i / 3) * 4 + (i % 3)]! / 127.5 - 1;
  return image;
}

/** Leaves out the opacity: `[n, 4]` bytes to `[n, 3]`. */
export function rgbOf(pixels: Uint8ClampedArray): Uint8Array {
  const image = new Uint8Array((pixels.length / 4) * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    image[to++] = pixels[from]!;
    image[to++] = pixels[from + 1]!;
    image[to++] = pixels[from + 2]!;
  }
  return image;
}

/** Converts an image `[size, size, 3]` in [-1, 1] to 8-bit pixels of a canvas. */
export function imageDataOf(image: Float32Array): ImageData {
  const size = Math.sqrt(image.length / 3);
  const pixels = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) pixels.data[i * 4 + c] = (image[i * 3 + c]! + 1) * 127.5;
    pixels.data[i * 4 + 3] = 255;
  }
  return pixels;
}
