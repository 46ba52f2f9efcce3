import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { cholesky, type Matrix, matMul, singularValues, symmetricEigen } from '../../src/runtime/float64.js';
import { loadEngine } from '../../src/runtime/node.js';
import { held } from '../support/features.js';
import { relativeError } from '../support/reference.js';

function matrix(rows: number, columns: number, values: ArrayLike<number>): Matrix {
  return { values: Float64Array.from(values), rows, columns };
}

function random(seed: number, rows: number, columns: number): Matrix {
  const rng = new Rng(seed, 'float64');
  return matrix(
    rows,
    columns,
    Array.from({ length: rows * columns }, () => rng.normal()),
  );
}

const transpose = ({ values, rows, columns }: Matrix): Matrix =>
  matrix(
    columns,
    rows,
    Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!),
  );

/** The product by its definition. */
function product(a: Matrix, b: Matrix): Float64Array {
  const out = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      for (let k = 0; k < a.columns; k++)
        out[i * b.columns + j]! += a.values[i * a.columns + k]! * b.values[k * b.columns + j]!;
    }
  }
  return out;
}

const diagonal = (values: number[]): Matrix =>
  matrix(
    values.length,
    values.length,
    Array.from({ length: values.length ** 2 }, (_, i) =>
      i % (values.length + 1) === 0 ? values[i / (values.length + 1)]! : 0,
    ),
  );

beforeAll(async () => {
  await loadEngine();
});

describe('matMul', () => {
  it('preserves every bit of a double on the way to TensorFlow and back', () => {
    const values = [Math.PI, 1 + 2 ** -50, -1e300, 5e-300, 0, -0.1];
    const { values: out } = matMul(matrix(6, 1, values), matrix(1, 1, [1]));
    expect([...out]).toEqual(values);
  });

  it('multiplies matrices, transposed or not', () => {
    const a = random(1, 5, 7);
    const b = random(2, 7, 4);
    const expected = product(a, b);
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const given = [transposeA ? transpose(a) : a, transposeB ? transpose(b) : b] as const;
        const { values, rows, columns } = matMul(...given, { transposeA, transposeB });
        expect([rows, columns]).toEqual([5, 4]);
        expect(relativeError(values, expected)).toBeLessThan(1e-15);
      }
    }
  });

  it('reads a part of an array and does not change its arguments', () => {
    const whole = random(3, 9, 4);
    const before = whole.values.slice();
    const rows = { values: whole.values.subarray(12, 24), rows: 3, columns: 4 };
    const expected = product(matrix(3, 4, rows.values), transpose(matrix(3, 4, rows.values)));
    expect(relativeError(matMul(rows, rows, { transposeB: true }).values, expected)).toBeLessThan(1e-15);
    expect(whole.values).toEqual(before);
  });

  it('rejects sizes that do not match', () => {
    expect(() => matMul(random(1, 2, 3), random(1, 2, 3))).toThrow('cannot multiply 2 x 3 with 2 x 3');
    expect(() => matMul({ ...random(1, 2, 3), rows: 3 }, random(1, 3, 3))).toThrow(
      'a 3 x 3 matrix cannot have 6',
    );
  });
});

describe('decompositions', () => {
  const root = random(4, 8, 8);
  const positive = matrix(8, 8, product(root, transpose(root)));

  it('cholesky gives a lower triangle whose square is the matrix', () => {
    const lower = cholesky(positive)!;
    for (let i = 0; i < 8; i++) {
      for (let j = i + 1; j < 8; j++) expect(lower.values[i * 8 + j]).toBe(0);
    }
    expect(relativeError(product(lower, transpose(lower)), positive.values)).toBeLessThan(1e-14);
  });

  it('cholesky returns null for a matrix that is not positive definite', () => {
    expect(cholesky(diagonal([1, 0, 2]))).toBeNull();
    expect(cholesky(diagonal([1, -1, 2]))).toBeNull();
  });

  it('eigenvalues and eigenvectors reproduce the matrix', () => {
    const { values, vectors } = symmetricEigen(positive);
    expect([...values]).toEqual([...values].sort((a, b) => a - b));
    const scaled = matrix(
      8,
      8,
      vectors.values.map((value, i) => value * values[i % 8]!),
    );
    expect(relativeError(product(scaled, transpose(vectors)), positive.values)).toBeLessThan(1e-14);
  });

  it('distinguishes eigenvalues that single precision does not', () => {
    expect([...symmetricEigen(diagonal([1 + 1e-12, 1, 1 - 1e-12])).values]).toEqual([
      1 - 1e-12,
      1,
      1 + 1e-12,
    ]);
  });

  it('singular values are the roots of the eigenvalues of the square', () => {
    const wide = random(5, 3, 9);
    const square = matrix(3, 3, product(wide, transpose(wide)));
    const roots = [...symmetricEigen(square).values].map(Math.sqrt).reverse();
    expect(relativeError(singularValues(wide), roots)).toBeLessThan(1e-14);
    expect(relativeError(singularValues(transpose(wide)), roots)).toBeLessThan(1e-14);
  });

  it('reject matrices that are not square', () => {
    for (const work of [cholesky, symmetricEigen])
      expect(() => work(random(1, 2, 3))).toThrow('expected a square matrix, not 2 x 3');
  });
});

it('double precision leaves no tensor and no session behind, with and without errors', () => {
  const before = held();
  const m = random(6, 6, 6);
  matMul(m, m);
  cholesky(diagonal([1, -1]));
  symmetricEigen(m);
  singularValues(m);
  expect(() => matMul(m, { ...random(1, 6, 6), rows: 6, columns: 6, values: new Float64Array(7) })).toThrow();
  expect(held()).toEqual(before);
});
