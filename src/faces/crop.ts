import type { Square } from '../base/geometry.js';
import type { DecodedImage } from '../data/decode.js';
import { CUBIC, filterTable, resample, TRIANGLE } from '../data/resample.js';

/** A pasted square fades towards its edges over this share of its side. */
const EDGE_SHARE = 0.15;
/** Nearer to the image's edge than this, px, a square ends there: nothing of the image would show beyond. */
const AT_EDGE_PX = 1;

const smoothstep = (x: number): number => {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
};

/** Rows that are pasted together: a large square's numbers would take several times the memory of its image. */
const BAND_ROWS = 64;
const FADE_STEPS = 2048;

/** The weight of a pixel whose distance from the middle has the cube i / FADE_STEPS: 1 inside, 0 at the edge. */
const FADE = Float32Array.from({ length: FADE_STEPS + 1 }, (_, i) =>
  smoothstep((1 - Math.cbrt(i / FADE_STEPS)) / (2 * EDGE_SHARE)),
);

/**
 * Cubes of the distances from the middle, 1 at the square's edges, for the whole pixels from `first` on. Corners are
 * round: the lines of one weight are |x|^3 + |y|^3 = const, between a circle and a square.
 */
function distances(first: number, count: number, start: number, side: number, length: number): Float32Array {
  const [meetsBegin, meetsEnd] = [start < AT_EDGE_PX, start + side > length - AT_EDGE_PX];
  return Float32Array.from({ length: count }, (_, i) => {
    const place = ((first + i + 0.5 - start) / side) * 2 - 1;
    return (place < 0 ? meetsBegin : meetsEnd) ? 0 : Math.abs(place) ** 3;
  });
}

/**
 * A square of an image at `size` px, between whole pixels too, bilinearly, widened where it reduces.
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
 * Puts a square image of any size back to where it was taken from, in place, by cubic interpolation; its edges fade into
 * what is there, except along the image's own edges.
 *
 * @param target `[height, width, 3]`. @param square need not be whole pixels, and lies within the target.
 * @param strength 1 for the image as it is, 0 for nothing of it.
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
  // Rounds and clamps what it is given.
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
