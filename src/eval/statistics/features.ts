import { InputError } from '../../base/errors.js';
import type { Matrix } from '../../runtime/float64.js';

/** Features of a set of images, row by row: `count` rows of `dims`. */
export interface Features {
  values: Float32Array | Float64Array;
  count: number;
  dims: number;
}

/** What a computation of several seconds takes. */
export interface StatisticsOptions {
  /** Is told how much is done, in parts of the whole work. */
  onProgress?: (done: number, total: number) => void;
  /** Ends the work between two parts, with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * @param name what the set is called in messages: `real`. @param least so many images are needed `purpose`: "for a
 *   covariance".
 * @throws InputError for too few images and for features that are not finite; RangeError for a size that does not fit.
 */
export function checkFeatures(features: Features, name: string, least: number, purpose: string): void {
  const { values, count, dims } = features;
  if (!Number.isInteger(count) || !(dims >= 1) || values.length !== count * dims)
    throw new RangeError(`${name}: ${values.length} values are not ${count} rows of ${dims} features`);
  if (count < least)
    throw new InputError({
      expected: `at least ${least} images of the set '${name}' ${purpose}`,
      found: String(count),
      remedy: 'add images or leave the metric out',
    });
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new InputError({
        expected: `finite features of the set '${name}'`,
        found: `${values[i]} in feature ${i % dims} of image ${Math.floor(i / dims)}`,
        remedy: 'check the weights of the network that made them',
      });
  }
}

/** @throws InputError where two sets do not have features of the same network. */
export function checkSameDims(a: { dims: number }, b: { dims: number }): void {
  if (a.dims !== b.dims)
    throw new InputError({
      expected: `features of one network for both sets (${a.dims} of each image)`,
      found: `${b.dims} of each image in the other set`,
      remedy: 'extract both anew with the same network',
    });
}

/** Features as a matrix of doubles: `[count, dims]`. */
export function asMatrix({ values, count, dims }: Features): Matrix {
  return {
    values: values instanceof Float64Array ? values : new Float64Array(values),
    rows: count,
    columns: dims,
  };
}

/** Rows `start` to `end - 1` of a matrix, without a copy. */
export function rowsOf({ values, columns }: Matrix, start: number, end: number): Matrix {
  return { values: values.subarray(start * columns, end * columns), rows: end - start, columns };
}

/** Rows that make a block of at most about `elements` values, one at least. */
export function rowsPerBlock(columns: number, elements: number): number {
  return Math.max(1, Math.floor(elements / columns));
}
