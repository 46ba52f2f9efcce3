// Pastes translated squares back into their image with soft edges; needs nothing of Node.
import type { Extent, Square } from '../base/geometry.js';
import type { DecodedImage } from '../data/decoded-image.js';
import { type AxisTable, CUBIC, filterTable, resample } from '../data/resample.js';

/** A rectangle of whole pixels of an image. */
export interface ImagePart extends Extent {
  /** Distance from the image's left edge, px. */
  left: number;
  /** Distance from the image's top edge, px. */
  top: number;
}

/** The pixels of a rectangle of an image. */
export interface PartPixels extends ImagePart {
  /** `[height, width, channels]`, 0 to 255; opaque, if there is a fourth channel. */
  data: Uint8Array | Uint8ClampedArray;
  /** Bytes of a pixel: 3 for RGB, 4 for RGBA, as canvases have it. */
  channels: 3 | 4;
}

/** A pasted square fades out towards its edges over this share of its side. */
const EDGE_SHARE = 0.15;
/** A square this close to the edge of the image, px, does not fade there: no image would show beyond. */
const AT_EDGE_PX = 1;

const smoothstep = (x: number): number => {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
};

/** Rows that are pasted at a time: all rows of a large square would take several times the memory of its image. */
const BAND_ROWS = 64;
const FADE_STEPS = 2048;

/** Weight of a pixel whose distance from the centre has the cube i / FADE_STEPS: 1 inside, 0 at the edge. */
const FADE = Float32Array.from({ length: FADE_STEPS + 1 }, (_, i) =>
  smoothstep((1 - Math.cbrt(i / FADE_STEPS)) / (2 * EDGE_SHARE)),
);

/**
 * Computes the cubes of the distances from the centre, 1 at the edges of the square, for whole pixels from `first` on. Lines
 * of equal weight satisfy |x|^3 + |y|^3 = const: between a circle and a square, so corners are round.
 */
function distances(first: number, count: number, start: number, side: number, length: number): Float32Array {
  const [meetsBegin, meetsEnd] = [start < AT_EDGE_PX, start + side > length - AT_EDGE_PX];
  return Float32Array.from({ length: count }, (_, i) => {
    const place = ((first + i + 0.5 - start) / side) * 2 - 1;
    return (place < 0 ? meetsBegin : meetsEnd) ? 0 : Math.abs(place) ** 3;
  });
}

/**
 * Returns the pixels of an image that a square touches, which are all that pasting reads and changes. The square may reach
 * beyond the image. Width and height are 0 if it lies outside.
 */
export function touchedPart({ left, top, side }: Square, image: Extent): ImagePart {
  const span = (start: number, length: number): [first: number, count: number] => {
    const first = Math.min(length, Math.max(0, Math.floor(start)));
    return [first, Math.max(0, Math.min(length, Math.ceil(start + side)) - first)];
  };
  const [x, width] = span(left, image.width);
  const [y, height] = span(top, image.height);
  return { left: x, top: y, width, height };
}

/**
 * Pastes a square image of any size into part of a larger one, in place, with cubic interpolation. Its edges fade into the
 * image, except along the image's own edges.
 *
 * @param part has at least what `touchedPart` returns. @param whole size of the image that it is part of.
 * @param image `[size, size, 3]`. @param square its place in the whole image, which need not be whole pixels, nor inside.
 * @param strength opacity, 0 to 1.
 */
export function pasteIntoPart(
  part: PartPixels,
  whole: Extent,
  image: DecodedImage,
  square: Square,
  strength = 1,
): void {
  const { left, top, side } = square;
  const touched = touchedPart(square, whole);
  if (touched.width === 0 || touched.height === 0) return;
  const [x0, y0, y1] = [touched.left, touched.top, touched.top + touched.height];
  const table = (from: number, to: number, start: number): AxisTable => {
    const place = (at: number): number => ((at - start) / side) * image.width;
    return filterTable(CUBIC, image.width, to - from, place(from), place(to));
  };
  const columns = table(x0, x0 + touched.width, left);
  const across = distances(x0, touched.width, left, side, whole.width);
  const down = distances(y0, touched.height, top, side, whole.height);
  const { data, channels } = part;
  // A Uint8ClampedArray rounds and clamps.
  const clamped = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  for (let band = y0; band < y1; band += BAND_ROWS) {
    const end = Math.min(y1, band + BAND_ROWS);
    const patch = resample(image, columns, table(band, end, top));
    for (let y = band, from = 0; y < end; y++) {
      let to = ((y - part.top) * part.width + x0 - part.left) * channels;
      for (let i = 0; i < touched.width; i++, to += channels, from += 3) {
        const cube = down[y - y0]! + across[i]!;
        if (cube >= 1) continue;
        const weight = strength * FADE[(cube * FADE_STEPS) | 0]!;
        for (let c = 0; c < 3; c++) {
          const there = clamped[to + c]!;
          clamped[to + c] = there + weight * (patch[from + c]! - there);
        }
      }
    }
  }
}

/**
 * Pastes a square image of any size into `target`, in place, as `pasteIntoPart` does.
 *
 * @param target `[height, width, 3]`. @param image `[size, size, 3]`. @param strength opacity, 0 to 1.
 */
export function pasteSquare(target: DecodedImage, image: DecodedImage, square: Square, strength = 1): void {
  pasteIntoPart({ ...target, left: 0, top: 0, channels: 3 }, target, image, square, strength);
}
