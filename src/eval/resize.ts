import type { DecodedImage } from '../data/decode.js';

/** One axis of a resampling: every output is a weighted sum of neighbouring inputs. */
interface AxisTable {
  inSize: number;
  outSize: number;
  /** Of each output: where its first input is, and how many there are. */
  first: Int32Array;
  count: Int32Array;
  /** `mostTaps` for each output, of which the first `count` are used. */
  weights: Float64Array;
  mostTaps: number;
  /** Sums are rounded to whole numbers, up where there are two nearest. */
  isWhole: boolean;
}

/** Makes the table of an axis for its two sizes. */
type TableOf = (inSize: number, outSize: number) => AxisTable;

/** A filter's value at a distance from its centre, in source pixels, or in those of the result where it reduces. */
interface Filter {
  support: number;
  at(distance: number): number;
}

const TRIANGLE: Filter = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };

/** Cubic convolution with a = -1/2 (Keys 1981), which Pillow calls BICUBIC. */
const CUBIC: Filter = {
  support: 2,
  at: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

/** Fractional bits of Pillow's weights for 8-bit pictures (Resample.c, PRECISION_BITS). */
const PILLOW_BITS = 32 - 8 - 2;

/**
 * `torch.nn.functional.interpolate(mode='bilinear', align_corners=False)`, without antialiasing, as pytorch-fid resizes.
 *
 * @returns `[size, size, 3]` in 0..255. Both sides are scaled to `size`, whatever the picture's.
 */
export function resizeTorchBilinear(image: DecodedImage, size: number): Float32Array {
  return resampled(image, size, torchTable);
}

/**
 * Pillow's bicubic resizing of each channel as a picture of floats (mode F), clipped to what pixels can be: clean-fid's
 * `make_resizer('PIL', False, 'bicubic', (size, size))`. The filter is widened where it reduces.
 *
 * @returns `[size, size, 3]` in 0..255.
 */
export function resizePillowBicubic(image: DecodedImage, size: number): Float32Array {
  const pixels = resampled(image, size, pillowTable(CUBIC));
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.min(255, Math.max(0, pixels[i]!));
  return pixels;
}

/**
 * Pillow's bilinear resizing of 8-bit pictures, to the bit: torchvision's `Resize` on them. The filter is widened where it
 * reduces, weights are whole numbers of 2^-22, and each of the two passes rounds to 8 bits.
 */
export function resizePillowBilinear(image: DecodedImage, size: number): DecodedImage {
  const table: TableOf = (inSize, outSize) => {
    const made = pillowTable(TRIANGLE)(inSize, outSize);
    const whole = made.weights.map(
      (weight) => Math.floor(weight * 2 ** PILLOW_BITS + 0.5) / 2 ** PILLOW_BITS,
    );
    return { ...made, weights: whole, isWhole: true };
  };
  return { data: new Uint8Array(resampled(image, size, table)), width: size, height: size };
}

/** The two passes, from left to right first, with float32 between them. */
function resampled({ data, width, height }: DecodedImage, size: number, table: TableOf): Float32Array {
  const rows = new Float32Array(height * size * 3);
  acrossRows(data, rows, table(width, size));
  const out = new Float32Array(size * size * 3);
  downColumns(rows, out, size * 3, table(height, size));
  return out;
}

/** Resamples `[n, inSize, 3]` to `[n, outSize, 3]`. */
function acrossRows(pixels: Uint8Array, target: Float32Array, table: AxisTable): void {
  const { inSize, outSize, first, count, weights, mostTaps, isWhole } = table;
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
      const end = i * mostTaps + count[i]!;
      for (let tap = i * mostTaps; tap < end; tap++, from += 3) {
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

/** Resamples `[inSize, rowLength]` to `[outSize, rowLength]`. */
function downColumns(source: Float32Array, target: Float32Array, rowLength: number, table: AxisTable): void {
  const { outSize, first, count, weights, mostTaps, isWhole } = table;
  const start = isWhole ? 0.5 : 0;
  const sums = new Float64Array(rowLength);
  for (let i = 0; i < outSize; i++) {
    sums.fill(start);
    for (let tap = 0; tap < count[i]!; tap++) {
      const weight = weights[i * mostTaps + tap]!;
      const from = (first[i]! + tap) * rowLength;
      for (let k = 0; k < rowLength; k++) sums[k]! += weight * source[from + k]!;
    }
    const to = i * rowLength;
    for (let k = 0; k < rowLength; k++) target[to + k] = isWhole ? Math.floor(sums[k]!) : sums[k]!;
  }
}

/** Two neighbours of each place, computed in float32 as PyTorch does (UpSample.h, area_pixel_compute_source_index). */
function torchTable(inSize: number, outSize: number): AxisTable {
  const table = emptyTable(inSize, outSize, 2);
  const scale = Math.fround(inSize / outSize);
  for (let i = 0; i < outSize; i++) {
    const place = Math.max(0, Math.fround(Math.fround(scale * (i + 0.5)) - 0.5));
    const left = Math.min(Math.floor(place), inSize - 1);
    const right = Math.min(1, Math.fround(place - left));
    table.first[i] = left;
    table.count[i] = left < inSize - 1 ? 2 : 1;
    table.weights.set(left < inSize - 1 ? [Math.fround(1 - right), right] : [1], 2 * i);
  }
  return table;
}

/** Weights of a filter as Pillow has them (Resample.c, precompute_coeffs). */
function pillowTable(filter: Filter): TableOf {
  return (inSize, outSize) => {
    const scale = inSize / outSize;
    const reduction = Math.max(1, scale);
    const support = filter.support * reduction;
    const table = emptyTable(inSize, outSize, 2 * Math.ceil(support) + 1);
    for (let i = 0; i < outSize; i++) {
      const centre = (i + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - support + 0.5));
      const count = Math.min(inSize, Math.trunc(centre + support + 0.5)) - first;
      const weights = Array.from({ length: count }, (_, k) =>
        filter.at((first + k - centre + 0.5) / reduction),
      );
      const sum = weights.reduce((a, b) => a + b, 0);
      table.first[i] = first;
      table.count[i] = count;
      table.weights.set(
        weights.map((weight) => weight / sum),
        i * table.mostTaps,
      );
    }
    return table;
  };
}

function emptyTable(inSize: number, outSize: number, mostTaps: number): AxisTable {
  return {
    inSize,
    outSize,
    first: new Int32Array(outSize),
    count: new Int32Array(outSize),
    weights: new Float64Array(outSize * mostTaps),
    mostTaps,
    isWhole: false,
  };
}
