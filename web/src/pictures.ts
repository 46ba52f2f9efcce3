import { context, make } from './dom.js';
import type { Pixels } from './messages.js';

/** Something to draw from: a decoded picture, or a camera's video. */
export interface Source {
  image: CanvasImageSource;
  width: number;
  height: number;
}

/** A square of a source, in its pixels. */
export interface Square {
  left: number;
  top: number;
  side: number;
}

/** A longer side is scaled down to this when a picture is opened: what is used of it is far smaller. */
const LARGEST_PX = 2048;

/** Decodes a picture, upright. @throws Error that names the file. */
export async function openPicture(file: Blob, name: string): Promise<Source> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} is no picture that this browser can read; take a JPEG, PNG or WebP file.`);
  }
  const { width, height } = bitmap;
  const scale = LARGEST_PX / Math.max(width, height);
  if (scale >= 1) return { image: bitmap, width, height };
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const image = scaled(bitmap, { x: 0, y: 0, width, height }, size);
  bitmap.close();
  return { image, ...size };
}

/** Gives the memory of a picture back that is not drawn any more. */
export function closePicture({ image }: Source): void {
  if (image instanceof ImageBitmap) image.close();
}

/** The largest square around the centre. */
export function centreSquare({ width, height }: Source): Square {
  const side = Math.min(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side };
}

interface Size {
  width: number;
  height: number;
}

/** Part of an image at another size; to a smaller one by halves, so that every pixel counts. Transparent parts are white. */
function scaled(
  image: CanvasImageSource,
  part: Size & { x: number; y: number },
  size: Size,
): HTMLCanvasElement {
  let from: CanvasImageSource = image;
  let { x, y, width, height } = part;
  for (;;) {
    const next = {
      width: Math.max(size.width, Math.ceil(width / 2)),
      height: Math.max(size.height, Math.ceil(height / 2)),
    };
    const isLast = next.width === size.width && next.height === size.height;
    const canvas = make('canvas', next);
    const drawing = context(canvas);
    drawing.fillStyle = '#ffffff';
    drawing.fillRect(0, 0, next.width, next.height);
    drawing.drawImage(from, x, y, width, height, 0, 0, next.width, next.height);
    if (isLast) return canvas;
    from = canvas;
    [x, y, width, height] = [0, 0, next.width, next.height];
  }
}

/** A square of a source at `size` px. */
export function squareOf({ image }: Source, { left, top, side }: Square, size: number): HTMLCanvasElement {
  return scaled(image, { x: left, y: top, width: side, height: side }, { width: size, height: size });
}

export function pixelsOf(canvas: HTMLCanvasElement): Pixels {
  const { width, height } = canvas;
  return context(canvas).getImageData(0, 0, width, height).data as Pixels;
}
