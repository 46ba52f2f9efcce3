// The Frechet distance between two sets of features, as in FID.
import { InputError } from '../../base/errors.js';
import { cholesky, type Matrix, matMul, singularValues, symmetricEigen } from '../../runtime/float64.js';
import { asMatrix, checkFeatures, checkSameDims, type Features, rowsOf, rowsPerBlock } from './features.js';

/** Maximum number of centred values that are multiplied at a time: 32 MB. */
const BLOCK_ELEMENTS = 2 ** 22;

/** Mean and covariance of a set, for Frechet distances; worth keeping if one set is compared with many. */
export interface FeatureStatistics {
  readonly count: number;
  readonly dims: number;
  /** `[dims]` */
  readonly mean: Float64Array;
  /** Trace of the covariance. */
  readonly variance: number;
  /**
   * F of the covariance `F^T F` (divisor count - 1), `[at least rank, dims]`: never more rows than images or
   * dimensions.
   */
  readonly factor: Matrix;
}

function meanOf({ values, count, dims }: Features): Float64Array {
  const mean = new Float64Array(dims);
  for (let row = 0, i = 0; row < count; row++) {
    for (let d = 0; d < dims; d++, i++) mean[d]! += values[i]!;
  }
  for (let d = 0; d < dims; d++) mean[d]! /= count;
  return mean;
}

/** The rows minus the mean, divided by the root of the divisor; their product with themselves is the covariance. */
function centred(rows: Matrix, mean: Float64Array, divisor: number): Matrix {
  const { columns } = rows;
  const scale = 1 / Math.sqrt(divisor);
  const values = new Float64Array(rows.values.length);
  for (let row = 0, i = 0; row < rows.rows; row++) {
    for (let d = 0; d < columns; d++, i++) values[i] = (rows.values[i]! - mean[d]!) * scale;
  }
  return { ...rows, values };
}

function covarianceOf(
  features: Features,
  mean: Float64Array,
  onProgress?: (done: number, total: number) => void,
): Matrix {
  const { count, dims } = features;
  const covariance = new Float64Array(dims * dims);
  const step = rowsPerBlock(dims, BLOCK_ELEMENTS);
  for (let start = 0; start < count; start += step) {
    const end = Math.min(count, start + step);
    const block = { values: features.values.subarray(start * dims, end * dims), count: end - start, dims };
    const rows = centred(asMatrix(block), mean, count - 1);
    const { values } = matMul(rows, rows, { transposeA: true });
    for (let i = 0; i < values.length; i++) covariance[i]! += values[i]!;
    onProgress?.(end, count);
  }
  return { values: covariance, rows: dims, columns: dims };
}

function transposed({ values, rows, columns }: Matrix): Matrix {
  const out = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = values[row * columns + column]!;
  }
  return { values: out, rows: columns, columns: rows };
}

/** F of a covariance that may be singular, for example because some features are constant. */
function factorOf(covariance: Matrix): Matrix {
  const lower = cholesky(covariance);
  if (lower !== null) return transposed(lower);
  const { values, vectors } = symmetricEigen(covariance);
  const dims = covariance.rows;
  // Smaller eigenvalues are rounding errors, whose roots would not be small.
  const threshold = values[dims - 1]! * dims * Number.EPSILON;
  const rows = transposed(vectors);
  const first = values.findIndex((value) => value > threshold);
  const factor = rowsOf(rows, first === -1 ? dims : first, dims);
  for (let row = 0, i = 0; row < factor.rows; row++) {
    const root = Math.sqrt(values[dims - factor.rows + row]!);
    for (let d = 0; d < dims; d++, i++) factor.values[i]! *= root;
  }
  return factor;
}

/**
 * Computes mean and covariance of a set of features. The covariance is kept as a factor: the centred rows if there are
 * at most as many images as dimensions, else a triangular matrix.
 *
 * @param name the set's name in messages.
 * @param onProgress called with the number of images in the covariance so far; not called for few images, which take
 *   no time.
 * @throws InputError for fewer than 2 images, and for features that are not finite or too large to square.
 */
export function featureStatistics(
  features: Features,
  { name = 'images', onProgress }: { name?: string; onProgress?: (done: number, total: number) => void } = {},
): FeatureStatistics {
  checkFeatures(features, name, 2, 'for a covariance');
  const { count, dims } = features;
  const mean = meanOf(features);
  let variance = 0;
  let factor: Matrix;
  if (count <= dims) {
    factor = centred(asMatrix(features), mean, count - 1);
    for (const value of factor.values) variance += value * value;
  } else {
    const covariance = covarianceOf(features, mean, onProgress);
    for (let d = 0; d < dims; d++) variance += covariance.values[d * (dims + 1)]!;
    checkVariance(variance, name);
    factor = factorOf(covariance);
  }
  checkVariance(variance, name);
  return { count, dims, mean, variance, factor };
}

function checkVariance(variance: number, name: string): void {
  if (!Number.isFinite(variance))
    throw new InputError({
      expected: `features of the set '${name}' whose squares are finite`,
      found: 'larger values',
      remedy: 'check the weights of the network that made them',
    });
}

/**
 * Frechet distance of the normal distributions with these means and covariances, as `calculate_frechet_distance` of
 * pytorch-fid 0.3.0: `|m1 - m2|^2 + tr(S1 + S2 - 2 sqrt(S1 S2))`. With `S = F^T F`, the trace of the root is the sum of
 * the singular values of `F1 F2^T`; this needs no matrix root and is exact for singular covariances. Negative results
 * of rounding become 0.
 * @throws InputError if the sets have features of different networks.
 */
export function frechetDistance(a: FeatureStatistics, b: FeatureStatistics): number {
  checkSameDims(a, b);
  let distance = a.variance + b.variance;
  for (let d = 0; d < a.dims; d++) distance += (a.mean[d]! - b.mean[d]!) ** 2;
  if (a.factor.rows > 0 && b.factor.rows > 0) {
    const product = matMul(a.factor, b.factor, { transposeB: true });
    for (const value of singularValues(product)) distance -= 2 * value;
  }
  return Math.max(0, distance);
}
