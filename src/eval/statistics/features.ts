// Sets of feature vectors: checks, and views as matrices of doubles.
import { InputError } from '../../base/errors.js';
import type { Matrix } from '../../runtime/float64.js';

/** Features of a set of images: `count` rows of `dims` values. */
export interface Features {
  values: Float32Array | Float64Array;
  count: number;
  dims: number;
}

/** Options of a computation that takes seconds. */
export interface StatisticsOptions {
  /** Called with the part of the work that is done, and the whole. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the work with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Checks a set of features.
 * @param name the set's name in messages: `real`.
 * @param min the number of images needed.
 * @param purpose what they are needed for: "for a covariance".
 * @throws InputError for too few images and for features that are not finite; RangeError for a size that does not
 *   match.
 */
export function checkFeatures(features: Features, name: string, min: number, purpose: string): void {
  const { values, count, dims } = features;
  if (!Number.isInteger(count) || !(dims >= 1) || values.length !== count * dims)
    throw new RangeError(`${name}: ${values.length} values are not ${count} rows of ${dims} features`);
  if (count < min)
    throw new InputError({
      expected: `at least ${min} images of the set '${name}' ${purpose}`,
      found: String(count),
      remedy: 'add images or remove the metric',
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

/** @throws InputError if two sets have features of different networks. */
export function checkSameDims(a: { dims: number }, b: { dims: number }): void {
  if (a.dims !== b.dims)
    throw new InputError({
      expected: `features of one network for both sets (${a.dims} of each image)`,
      found: `${b.dims} of each image in the other set`,
      remedy: 'extract both again with the same network',
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

/** The number of rows in a block of about `elements` values at most; at least one. */
export function rowsPerBlock(columns: number, elements: number): number {
  return Math.max(1, Math.floor(elements / columns));
}
