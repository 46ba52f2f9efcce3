// Puts a translated square back into its photo.
import type { Square } from '../../src/base/geometry.js';
import { contextOf } from '../../src/browser/image-output.js';
import { fromFloat } from '../../src/data/decoded-image.js';
import { pasteIntoPart, touchedPart } from '../../src/faces/paste.js';
import { canvasOf, type Source, wholePhoto } from './images.js';

/**
 * Returns the whole photo, in the size of its file where the browser can draw that, with a translated square in it.
 *
 * @param square the part of `source` that was translated. @param image `[size, size, 3]` in [-1, 1].
 */
export async function pastedBack(
  source: Source,
  { left, top, side }: Square,
  image: Float32Array,
): Promise<HTMLCanvasElement> {
  const whole = (await wholePhoto(source)) ?? canvasOf(source);
  const scale = whole.width / source.width;
  const square = { left: left * scale, top: top * scale, side: side * scale };
  const part = touchedPart(square, whole);
  const drawing = contextOf(whole);
  const pixels = drawing.getImageData(part.left, part.top, part.width, part.height);
  const size = Math.sqrt(image.length / 3);
  pasteIntoPart({ ...part, data: pixels.data, channels: 4 }, whole, fromFloat(image, size, size), square);
  drawing.putImageData(pixels, part.left, part.top);
  return whole;
}
