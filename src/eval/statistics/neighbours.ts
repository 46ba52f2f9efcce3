// Distances between feature vectors and the radii of nearest neighbours, for precision, recall, density and coverage.
import { createHash } from 'node:crypto';
import { type Matrix, matMul } from '../../runtime/float64.js';
import { asMatrix, checkFeatures, checkSameDims, type Features, rowsOf, rowsPerBlock } from './features.js';
import type { Work } from './work.js';

/** Maximum number of distances in memory: 32 MB. */
const BLOCK_ELEMENTS = 2 ** 22;

/** Features prepared for distances. */
export interface Points {
  readonly matrix: Matrix;
  /** |x|^2 of each row. */
  readonly squares: Float64Array;
  /** Equal for features with the same bits, and only for those. */
  readonly identities: readonly string[];
}

/**
 * Checks two sets of features.
 * @param neighbours k: a set whose neighbours count needs k + 1 images.
 * @param ofFake whether the neighbours of generated images count.
 * @throws InputError for too few images, features that are not finite, or features of different networks; RangeError
 *   for k < 1.
 */
export function checkNeighbours(real: Features, fake: Features, neighbours: number, ofFake: boolean): void {
  if (!(Number.isInteger(neighbours) && neighbours >= 1))
    throw new RangeError(`the number of neighbours must be a whole number above 0, not ${neighbours}`);
  const purpose = `for ${neighbours} neighbours of each`;
  checkFeatures(real, 'real', neighbours + 1, purpose);
  if (ofFake) checkFeatures(fake, 'fake', neighbours + 1, purpose);
  else checkFeatures(fake, 'fake', 1, 'to measure');
  checkSameDims(real, fake);
}

export function pointsOf(features: Features): Points {
  const matrix = asMatrix(features);
  const { values, rows, columns } = matrix;
  const squares = new Float64Array(rows);
  const identities: string[] = [];
  for (let row = 0; row < rows; row++) {
    const vector = values.subarray(row * columns, (row + 1) * columns);
    squares[row] = vector.reduce((sum, value) => sum + value * value, 0);
    identities.push(createHash('sha1').update(vector).digest('base64'));
  }
  return { matrix, squares, identities };
}

/** Called with the squared distances of image `index` of the first set to every image of the second. */
export type VisitDistances = (index: number, distances: Float64Array) => void;

/**
 * Squared distances between every image of `a` and every image of `b`, in double precision, block by block: memory
 * grows linearly with the number of images. The distance between equal features is exactly 0; prdc leaves it to
 * rounding.
 */
export function* squaredDistances(a: Points, b: Points, visit: VisitDistances): Work<void> {
  const columns = b.matrix.rows;
  const twins = twinsOf(b.identities);
  const step = rowsPerBlock(columns, BLOCK_ELEMENTS);
  for (let start = 0; start < a.matrix.rows; start += step) {
    const end = Math.min(a.matrix.rows, start + step);
    const { values } = matMul(rowsOf(a.matrix, start, end), b.matrix, { transposeB: true });
    for (let index = start; index < end; index++) {
      const row = values.subarray((index - start) * columns, (index - start + 1) * columns);
      const square = a.squares[index]!;
      for (let j = 0; j < columns; j++) row[j] = Math.max(0, square + b.squares[j]! - 2 * row[j]!);
      for (const j of twins.get(a.identities[index]!) ?? []) row[j] = 0;
      visit(index, row);
    }
    yield (end - start) * columns;
  }
}

function twinsOf(identities: readonly string[]): Map<string, number[]> {
  const twins = new Map<string, number[]>();
  identities.forEach((identity, index) => {
    const known = twins.get(identity);
    if (known === undefined) twins.set(identity, [index]);
    else known.push(index);
  });
  return twins;
}

/** Returns the `rank`-th smallest value; rank 1 is the smallest. */
function smallest(values: Float64Array, rank: number, sorted: Float64Array): number {
  // Insertion into a short sorted list: hardly any value passes the comparison.
  sorted.fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= sorted[rank - 1]!) continue;
    let place = rank - 1;
    for (; place > 0 && sorted[place - 1]! > value; place--) sorted[place] = sorted[place - 1]!;
    sorted[place] = value;
  }
  return sorted[rank - 1]!;
}

/** Squared distance of each image to its `neighbours`-th nearest other image of the same set. */
export function* neighbourRadii(points: Points, neighbours: number): Work<Float64Array> {
  const radii = new Float64Array(points.matrix.rows);
  // Each image is its own nearest.
  const sorted = new Float64Array(neighbours + 1);
  yield* squaredDistances(points, points, (index, distances) => {
    radii[index] = smallest(distances, neighbours + 1, sorted);
  });
  return radii;
}
