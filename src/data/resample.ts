// Resamples images as Pillow does, with any filter and from any part of the source.
import type { DecodedImage } from './decoded-image.js';

/** One axis of resampling: every output is a weighted sum of neighbouring inputs. */
export interface AxisTable {
  inSize: number;
  outSize: number;
  /** Index of the first input of each output, and the number of its inputs. */
  first: Int32Array;
  count: Int32Array;
  /** `maxTaps` weights for each output; the first `count` are used. */
  weights: Float64Array;
  maxTaps: number;
  /** Rounds sums to whole numbers, halves up. */
  isWhole: boolean;
}

/** A filter by its value at a distance from the centre, in source pixels, or in result pixels for reduction. */
export interface Filter {
  support: number;
  at(distance: number): number;
}

/** The bilinear filter. */
export const TRIANGLE: Filter = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };

/** Cubic convolution with a = -1/2 (Keys 1981), Pillow's BICUBIC. */
export const CUBIC: Filter = {
  support: 2,
  at: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

/**
 * Computes the weights of a filter as Pillow does (Resample.c, precompute_coeffs), widened for reduction.
 *
 * @param from start of the part of the source that the result shows, in source pixels; by default the whole source. The part
 *   may reach beyond the edges, whose pixels are then repeated. @param to its end.
 */
export function filterTable(
  filter: Filter,
  inSize: number,
  outSize: number,
  from = 0,
  to = inSize,
): AxisTable {
  const scale = (to - from) / outSize;
  const reduction = Math.max(1, scale);
  const support = filter.support * reduction;
  const table = emptyTable(inSize, outSize, 2 * Math.ceil(support) + 1);
  for (let i = 0; i < outSize; i++) {
    const centre = from + (i + 0.5) * scale;
    const first = Math.min(inSize - 1, Math.max(0, Math.trunc(centre - support + 0.5)));
    const count = Math.max(1, Math.min(inSize, Math.trunc(centre + support + 0.5)) - first);
    const weights = Array.from({ length: count }, (_, k) =>
      filter.at((first + k - centre + 0.5) / reduction),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    table.first[i] = first;
    table.count[i] = count;
    // Far outside the image the filter reaches no pixel: the nearest one is used.
    table.weights.set(sum === 0 ? [1] : weights.map((weight) => weight / sum), i * table.maxTaps);
  }
  return table;
}

/** Makes a table whose weights are zero. */
export function emptyTable(inSize: number, outSize: number, maxTaps: number): AxisTable {
  return {
    inSize,
    outSize,
    first: new Int32Array(outSize),
    count: new Int32Array(outSize),
    weights: new Float64Array(outSize * maxTaps),
    maxTaps,
    isWhole: false,
  };
}

/** Resamples rows, then columns, with float32 in between. @returns `[down.outSize, across.outSize, 3]`. */
export function resample({ data, width }: DecodedImage, across: AxisTable, down: AxisTable): Float32Array {
  // Skips rows that no output uses.
  const last = down.outSize - 1;
  const [begin, end] = [down.first[0]!, down.first[last]! + down.count[last]!];
  const rows = new Float32Array((end - begin) * across.outSize * 3);
  acrossRows(data.subarray(begin * width * 3, end * width * 3), rows, across);
  const out = new Float32Array(down.outSize * across.outSize * 3);
  downColumns(rows, out, across.outSize * 3, down, begin);
  return out;
}

/** Resamples `[n, inSize, 3]` to `[n, outSize, 3]`. */
function acrossRows(pixels: Uint8Array, target: Float32Array, table: AxisTable): void {
  const { inSize, outSize, first, count, weights, maxTaps, isWhole } = table;
  const start = isWhole ? 0.5 : 0;
  const rowLength = inSize * 3;
  const source = new Float32Array(rowLength);
  for (let row = 0, at = 0; row < pixels.length; row += rowLength) {
    // Every number is read several times, and floats are read faster than bytes.
    source.set(pixels.subarray(row, row + rowLength));
    for (let i = 0; i < outSize; i++, at += 3) {
      let red = start;
      let green = start;
      let blue = start;
      let from = first[i]! * 3;
      const end = i * maxTaps + count[i]!;
      for (let tap = i * maxTaps; tap < end; tap++, from += 3) {
        const weight = weights[tap]!;
        red += weight * source[from]!;
        green += weight * source[from + 1]!;
        blue += weight * source[from + 2]!;
      }
      target[at] = isWhole ? Math.floor(red) : red;
      target[at + 1] = isWhole ? Math.floor(green) : green;
      target[at + 2] = isWhole ? Math.floor(blue) : blue;
    }
  }
}

/** Resamples `[n, rowLength]`, whose first row is the source's row `begin`, to `[outSize, rowLength]`. */
function downColumns(
  source: Float32Array,
  target: Float32Array,
  rowLength: number,
  table: AxisTable,
  begin: number,
): void {
  const { outSize, first, count, weights, maxTaps, isWhole } = table;
  const start = isWhole ? 0.5 : 0;
  const sums = new Float64Array(rowLength);
  for (let i = 0; i < outSize; i++) {
    sums.fill(start);
    for (let tap = 0; tap < count[i]!; tap++) {
      const weight = weights[i * maxTaps + tap]!;
      const from = (first[i]! + tap - begin) * rowLength;
      for (let k = 0; k < rowLength; k++) sums[k]! += weight * source[from + k]!;
    }
    const to = i * rowLength;
    for (let k = 0; k < rowLength; k++) target[to + k] = isWhole ? Math.floor(sums[k]!) : sums[k]!;
  }
}
