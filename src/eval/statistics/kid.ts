// The kernel distance between two sets of features, as in KID.
import type { Rng } from '../../base/rng.js';
import { type Matrix, matMul } from '../../runtime/float64.js';
import {
  asMatrix,
  checkFeatures,
  checkSameDims,
  type Features,
  rowsOf,
  rowsPerBlock,
  type StatisticsOptions,
} from './features.js';
import { finish, type Work } from './work.js';

/** Maximum number of kernel values in memory: 32 MB. */
const BLOCK_ELEMENTS = 2 ** 22;

export interface KernelDistanceOptions extends StatisticsOptions {
  rng: Rng;
  /** Number of subsets; 100 by default. */
  subsets?: number;
  /** Images of each side in a subset; 1,000 by default, and at most as many as the smaller set has. */
  subsetSize?: number;
}

export interface KernelDistance {
  mean: number;
  /** Standard deviation over the subsets, divided by their number, as in torch-fidelity. */
  deviation: number;
  /** The estimate of each subset; a single one if the subsets are the whole sets. */
  values: number[];
  /** Actual number of images of each side in a subset. */
  subsetSize: number;
  /** A note about the subsets for readers of the figure, or null. */
  note: string | null;
}

/** Draws `size` different numbers below `count`: the beginning of a Fisher-Yates shuffle, in memory of that beginning. */
function drawWithout(rng: Rng, count: number, size: number): Int32Array {
  /** The numbers that are not in their first places. */
  const moved = new Map<number, number>();
  return Int32Array.from({ length: size }, (_, i) => {
    const j = i + rng.integer(count - i);
    const drawn = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
    return drawn;
  });
}

/** Membership of the rows in the subsets as 0 and 1, `[rows, subsets]`. */
function membersOf(indices: readonly Int32Array[], rows: number): Matrix {
  const subsets = indices.length;
  const values = new Float64Array(rows * subsets);
  indices.forEach((subset, s) => {
    for (const row of subset) values[row * subsets + s] = 1;
  });
  return { values, rows, columns: subsets };
}

function polynomial(dot: number, dims: number): number {
  const base = dot / dims + 1;
  return base * base * base;
}

/** Kernel values between rows of `x` and rows of `y`, `[x rows, y rows]`. */
function kernel(x: Matrix, y: Matrix): Matrix {
  const product = matMul(x, y, { transposeB: true });
  const { values } = product;
  for (let i = 0; i < values.length; i++) values[i] = polynomial(values[i]!, x.columns);
  return product;
}

/** For each subset, adds the values in `sums` of its rows of `left`. */
function addMembers(total: Float64Array, left: Matrix, sums: Matrix): void {
  const subsets = total.length;
  for (let i = 0; i < left.values.length; i++) total[i % subsets]! += left.values[i]! * sums.values[i]!;
}

/** For each subset, the sum of the kernel over its pairs of an image of `x` and an image of `y`. */
function* crossSums(x: Matrix, y: Matrix, inX: Matrix, inY: Matrix): Work<Float64Array> {
  const total = new Float64Array(inX.columns);
  const step = rowsPerBlock(y.rows, BLOCK_ELEMENTS);
  for (let start = 0; start < x.rows; start += step) {
    const end = Math.min(x.rows, start + step);
    const sums = matMul(kernel(rowsOf(x, start, end), y), inY);
    addMembers(total, rowsOf(inX, start, end), sums);
    yield (end - start) * y.rows;
  }
  return total;
}

/** For each subset, the sum of the kernel over its ordered pairs of two different images of `x`. */
function* withinSums(x: Matrix, members: Matrix): Work<Float64Array> {
  const subsets = members.columns;
  const total = new Float64Array(subsets);
  const step = rowsPerBlock(x.rows, BLOCK_ELEMENTS);
  for (let start = 0; start < x.rows; start += step) {
    const end = Math.min(x.rows, start + step);
    const values = kernel(rowsOf(x, start, end), rowsOf(x, start, x.rows));
    for (let row = 0; row < end - start; row++) values.values[row * values.columns + row] = 0;
    // The kernel is symmetric: pairs with a later block count twice.
    const rest = rowsOf(members, start, x.rows);
    const weights = { ...rest, values: rest.values.slice() };
    for (let i = (end - start) * subsets; i < weights.values.length; i++) weights.values[i]! *= 2;
    addMembers(total, rowsOf(members, start, end), matMul(values, weights));
    yield values.values.length;
  }
  return total;
}

/**
 * The unbiased estimate for each pair of subsets, which are columns of `inX` and `inY`, with `m` images of `x` and `n`
 * of `y` each.
 */
function* estimates(
  x: Matrix,
  y: Matrix,
  inX: Matrix,
  inY: Matrix,
  [m, n]: readonly [number, number],
): Work<number[]> {
  const xx = yield* withinSums(x, inX);
  const yy = yield* withinSums(y, inY);
  const xy = yield* crossSums(x, y, inX, inY);
  return Array.from(
    xy,
    (cross, s) => xx[s]! / (m * (m - 1)) + yy[s]! / (n * (n - 1)) - (2 * cross) / (m * n),
  );
}

/** A single subset that is the whole set. */
function everyMember(rows: number): Matrix {
  return { values: new Float64Array(rows).fill(1), rows, columns: 1 };
}

function gather({ values, dims }: Features, indices: Int32Array): Matrix {
  const out = new Float64Array(indices.length * dims);
  indices.forEach((row, i) => {
    out.set(values.subarray(row * dims, (row + 1) * dims), i * dims);
  });
  return { values: out, rows: indices.length, columns: dims };
}

/** Estimates each subset with its own kernel matrix. */
function* separateEstimates(
  real: Features,
  fake: Features,
  inReal: readonly Int32Array[],
  inFake: readonly Int32Array[],
): Work<number[]> {
  const values: number[] = [];
  const size = inReal[0]!.length;
  const all = everyMember(size);
  for (let s = 0; s < inReal.length; s++) {
    const [x, y] = [gather(real, inReal[s]!), gather(fake, inFake[s]!)];
    values.push(...(yield* estimates(x, y, all, all, [size, size])));
  }
  return values;
}

/** Number of kernel values that `estimates` computes for sets of these sizes, apart from blocks. */
function kernelValues(x: number, y: number): number {
  return (x * x) / 2 + (y * y) / 2 + x * y;
}

function checkSides(real: Features, fake: Features): void {
  checkFeatures(real, 'real', 2, 'for an unbiased kernel distance');
  checkFeatures(fake, 'fake', 2, 'for an unbiased kernel distance');
  checkSameDims(real, fake);
}

function noteOf(size: number, requested: number, isWhole: boolean): string | null {
  if (isWhole) return `one subset, of all ${size} images of each side: there is no deviation`;
  return size < requested
    ? `subsets of ${size} images in place of ${requested}: the smaller set has no more`
    : null;
}

/**
 * Kernel distance (KID) as in torch-fidelity 0.4.0: the unbiased estimate of the squared maximum mean discrepancy with
 * the kernel `(x.y / dims + 1)^3`, over subsets drawn from each side without replacement, in double precision. All
 * subsets share one kernel matrix, computed block by block, if that is less work than one for each.
 *
 * torch-fidelity rejects subsets larger than a set; here they shrink to the smaller set, and `note` says so.
 *
 * @param rng draws the subsets: equal generators give equal figures.
 * @throws InputError for fewer than 2 images, features that are not finite, or features of different networks;
 *   RangeError for no subsets or subsets of fewer than 2 images.
 */
export async function kernelDistance(
  real: Features,
  fake: Features,
  { rng, subsets = 100, subsetSize = 1000, ...options }: KernelDistanceOptions,
): Promise<KernelDistance> {
  checkSides(real, fake);
  if (!(subsets >= 1) || !(subsetSize >= 2))
    throw new RangeError(`a kernel distance cannot have ${subsets} subsets of ${subsetSize}`);
  const size = Math.min(subsetSize, real.count, fake.count);
  const isWhole = size === real.count && size === fake.count;
  const inReal: Int32Array[] = [];
  const inFake: Int32Array[] = [];
  for (let s = 0; s < (isWhole ? 1 : subsets); s++) {
    inReal.push(drawWithout(rng, real.count, size));
    inFake.push(drawWithout(rng, fake.count, size));
  }
  const shared = kernelValues(real.count, fake.count);
  const separate = inReal.length * kernelValues(size, size);
  const work =
    shared <= separate
      ? estimates(
          asMatrix(real),
          asMatrix(fake),
          membersOf(inReal, real.count),
          membersOf(inFake, fake.count),
          [size, size],
        )
      : separateEstimates(real, fake, inReal, inFake);
  const values = await finish(work, Math.min(shared, separate), options);
  const mean = meanOf(values);
  const deviation = Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
  return { mean, deviation, values, subsetSize: size, note: noteOf(size, subsetSize, isWhole) };
}

/**
 * The unbiased estimate of the squared maximum mean discrepancy of two whole sets, which may differ in size:
 * `kernelDistance` without subsets.
 *
 * @throws InputError for fewer than 2 images, features that are not finite, or features of different networks.
 */
export async function wholeKernelDistance(
  real: Features,
  fake: Features,
  options: StatisticsOptions = {},
): Promise<number> {
  checkSides(real, fake);
  const [x, y] = [asMatrix(real), asMatrix(fake)];
  const work = estimates(x, y, everyMember(x.rows), everyMember(y.rows), [x.rows, y.rows]);
  const [estimate] = await finish(work, kernelValues(x.rows, y.rows), options);
  return estimate!;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
