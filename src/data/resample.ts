import type { DecodedImage } from './decode.js';

/** One axis of a resampling: every output is a weighted sum of neighbouring inputs. */
export interface AxisTable {
  inSize: number;
  outSize: number;
  /** Of each output: where its first input is, and how many there are. */
  first: Int32Array;
  count: Int32Array;
  /** `maxTaps` for each output, of which the first `count` are used. */
  weights: Float64Array;
  maxTaps: number;
  /** Sums are rounded to whole numbers, up where there are two nearest. */
  isWhole: boolean;
}

/** A filter's value at a distance from its centre, in source pixels, or in those of the result where it reduces. */
export interface Filter {
  support: number;
  at(distance: number): number;
}

/** Bilinear. */
export const TRIANGLE: Filter = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };

/** Cubic convolution with a = -1/2 (Keys 1981), which Pillow calls BICUBIC. */
export const CUBIC: Filter = {
  support: 2,
  at: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

/**
 * Weights of a filter as Pillow has them (Resample.c, precompute_coeffs): widened where it reduces.
 *
 * @param from and `to`: the part of the source that the result shows, in source pixels; all of it where left out. It may
 *   reach beyond the edges, whose pixels then go on.
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
    // Of a place so far outside that the filter reaches no pixel, the nearest one is left.
    table.weights.set(sum === 0 ? [1] : weights.map((weight) => weight / sum), i * table.maxTaps);
  }
  return table;
}

/** A table whose weights are still zeros. */
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

/** The two passes, from left to right first, with float32 between them: `[down.outSize, across.outSize, 3]`. */
export function resample({ data, width }: DecodedImage, across: AxisTable, down: AxisTable): Float32Array {
  // Rows that nothing is made of are left out.
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
    // Every number is read several times, floats faster than bytes.
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

/** Resamples `[n, rowLength]`, rows from `begin` on, to `[outSize, rowLength]`. */
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
