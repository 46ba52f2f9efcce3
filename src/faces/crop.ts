// Crops squares out of images, and pastes them back with soft edges.
import type { Square } from '../base/geometry.js';
import type { DecodedImage } from '../data/decode.js';
import { CUBIC, filterTable, resample, TRIANGLE } from '../data/resample.js';

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
 * Crops a square, which need not be whole pixels, and scales it to `size` px with a bilinear filter, widened for reduction.
 *
 * @param image `[height, width, 3]`. @returns `[size, size, 3]`.
 */
export function cropSquare(image: DecodedImage, { left, top, side }: Square, size: number): Uint8Array {
  const values = resample(
    image,
    filterTable(TRIANGLE, image.width, size, left, left + side),
    filterTable(TRIANGLE, image.height, size, top, top + side),
  );
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = values[i]! + 0.5;
  return bytes;
}

/**
 * Pastes a square image of any size into `target`, in place, with cubic interpolation. Its edges fade into the target, except
 * along the target's own edges.
 *
 * @param target `[height, width, 3]`. @param square lies within the target, and need not be whole pixels.
 * @param strength opacity, 0 to 1.
 */
export function pasteSquare(
  target: DecodedImage,
  image: DecodedImage,
  { left, top, side }: Square,
  strength = 1,
): void {
  const { data, width, height } = target;
  const begin = (at: number): number => Math.max(0, Math.floor(at));
  const finish = (at: number, length: number): number => Math.min(length, Math.ceil(at + side));
  const [x0, y0, x1, y1] = [begin(left), begin(top), finish(left, width), finish(top, height)];
  const place = (at: number, start: number): number => ((at - start) / side) * image.width;
  const columns = filterTable(CUBIC, image.width, x1 - x0, place(x0, left), place(x1, left));
  const across = distances(x0, x1 - x0, left, side, width);
  const down = distances(y0, y1 - y0, top, side, height);
  // A Uint8ClampedArray rounds and clamps.
  const clamped = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  for (let band = y0; band < y1; band += BAND_ROWS) {
    const end = Math.min(y1, band + BAND_ROWS);
    const rows = filterTable(CUBIC, image.height, end - band, place(band, top), place(end, top));
    const patch = resample(image, columns, rows);
    for (let y = band, from = 0; y < end; y++) {
      for (let x = x0, to = (y * width + x0) * 3; x < x1; x++, to += 3, from += 3) {
        const cube = down[y - y0]! + across[x - x0]!;
        if (cube >= 1) continue;
        const weight = strength * FADE[(cube * FADE_STEPS) | 0]!;
        for (let c = 0; c < 3; c++) {
          const there = data[to + c]!;
          clamped[to + c] = there + weight * (patch[from + c]! - there);
        }
      }
    }
  }
}
