// Turns images by quarters, and finds the place of a square in the image that was not turned; needs nothing of Node.
import type { Extent, Square } from '../base/geometry.js';
import type { DecodedImage } from '../data/decoded-image.js';
import type { QuarterTurns } from './turn.js';

/** Returns the turns that undo others. */
export function inverseTurns(turns: QuarterTurns): QuarterTurns {
  return ((4 - turns) % 4) as QuarterTurns;
}

/** Returns the size of an image after turns. */
export function turnedExtent({ width, height }: Extent, turns: QuarterTurns): Extent {
  return turns % 2 === 0 ? { width, height } : { width: height, height: width };
}

/** Turns an image clockwise. @param image `[height, width, 3]`; it is returned itself for no turns. */
export function turnImage(image: DecodedImage, turns: QuarterTurns): DecodedImage {
  if (turns === 0) return image;
  const { data, width, height } = image;
  const turned = turnedExtent(image, turns);
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < turned.height; y++) {
    for (let x = 0; x < turned.width; x++, to += 3) {
      const [fromX, fromY] = [
        [y, height - 1 - x],
        [width - 1 - x, height - 1 - y],
        [width - 1 - y, x],
      ][turns - 1]!;
      const from = (fromY! * width + fromX!) * 3;
      for (let c = 0; c < 3; c++) out[to + c] = data[from + c]!;
    }
  }
  return { data: out, ...turned };
}

/** Returns the place in an image of a square in its turned copy. @param image the size of the image that is not turned. */
export function unturnedSquare(
  { left, top, side }: Square,
  { width, height }: Extent,
  turns: QuarterTurns,
): Square {
  const [right, bottom] = [left + side, top + side];
  if (turns === 1) return { left: top, top: height - right, side };
  if (turns === 2) return { left: width - right, top: height - bottom, side };
  if (turns === 3) return { left: width - bottom, top: left, side };
  return { left, top, side };
}
