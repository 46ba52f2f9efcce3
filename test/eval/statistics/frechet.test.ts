import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import type { Features } from '../../../src/eval/statistics/features.js';
import { featureStatistics, frechetDistance } from '../../../src/eval/statistics/frechet.js';
import { matMul, symmetricEigen } from '../../../src/runtime/float64.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { features, firstOf, held, normalFeatures, referenceFeatures } from '../../support/features.js';
import { readJson } from '../../support/reference.js';

const distance = (a: Features, b: Features): number =>
  frechetDistance(featureStatistics(a), featureStatistics(b));

const figures = readJson<{ frechet_16d: number; fid_pytorch_fid: number }>('metrics.json');

/** The same images with more features of 0: as many dimensions as it takes to keep rows in place of a covariance. */
const padded = (from: Features, dims: number): Features =>
  features(from.count, dims, (row, d) => (d < from.dims ? from.values[row * from.dims + d]! : 0));

/** Features turned by the eigenvectors of their own products. */
function rotated(from: Features, like: Features): Features {
  const own = { values: Float64Array.from(like.values), rows: like.count, columns: like.dims };
  const { vectors } = symmetricEigen(matMul(own, own, { transposeA: true }));
  const rows = { values: Float64Array.from(from.values), rows: from.count, columns: from.dims };
  return { ...from, values: matMul(rows, vectors).values };
}

beforeAll(async () => {
  await loadEngine();
});

describe('frechetDistance compared with pytorch-fid', () => {
  it('equals its distance of features in 16 dimensions', () => {
    const value = distance(referenceFeatures('frechet/x'), referenceFeatures('frechet/y'));
    expect(Math.abs(value / figures.frechet_16d - 1)).toBeLessThan(1e-6);
  });

  // Fewer images than dimensions: the root of a singular matrix, of which scipy's is a little off.
  it('equals its FID of features of its Inception', () => {
    const value = distance(
      referenceFeatures('inception/real/pool3'),
      referenceFeatures('inception/fake/pool3'),
    );
    expect(Math.abs(value / figures.fid_pytorch_fid - 1)).toBeLessThan(1e-3);
  });
});

describe('the Frechet distance', () => {
  const a = normalFeatures(1, 60, 12);
  const b = normalFeatures(2, 50, 12, 0.3);

  it('in one dimension follows from means and deviations', () => {
    const line = (values: number[]) => features(values.length, 1, (row) => values[row]!);
    // Means 2 and 6, variances 1 and 16.
    expect(distance(line([1, 2, 3]), line([2, 6, 10]))).toBeCloseTo(4 ** 2 + 3 ** 2, 12);
  });

  it('of independent dimensions is the sum of theirs', () => {
    const corners = (side: number[]) =>
      features(2 ** side.length, side.length, (row, d) => side[d]! * ((row >> d) & 1));
    const of = (side: number) => (side * Math.sqrt(8 / 7)) / 2;
    const sides: [number, number][] = [
      [1, 2],
      [3, 1],
      [0.5, 4],
    ];
    const expected = sides.reduce(
      (sum, [one, other]) => sum + ((one - other) / 2) ** 2 + (of(one) - of(other)) ** 2,
      0,
    );
    const value = distance(corners(sides.map(([one]) => one)), corners(sides.map(([, other]) => other)));
    expect(value).toBeCloseTo(expected, 12);
  });

  it('is symmetric, and does not change if both sets are rotated', () => {
    const value = distance(a, b);
    expect(value).toBeGreaterThan(0.1);
    expect(distance(b, a)).toBeCloseTo(value, 12);
    expect(distance(rotated(a, b), rotated(b, b))).toBeCloseTo(value, 11);
  });

  it('is the same from rows, from a covariance, and from one of each', () => {
    const value = distance(a, b);
    expect(featureStatistics(a).factor.rows).toBe(12);
    expect(featureStatistics(padded(a, 60)).factor.rows).toBe(60);
    expect(distance(padded(a, 60), padded(b, 60))).toBeCloseTo(value, 11);
    // 60 images have a covariance, 50 have rows.
    expect(distance(padded(a, 55), padded(b, 55))).toBeCloseTo(value, 11);
  });

  it('sums the parts of many images', () => {
    const count = 2 ** 21 + 100;
    const corners = (x: number, y: number): Features => {
      const values = new Float32Array(2 * count);
      for (let row = 0; row < count; row++) {
        values[2 * row] = x * (row & 1);
        values[2 * row + 1] = y * ((row >> 1) & 1);
      }
      return { values, count, dims: 2 };
    };
    const done: number[] = [];
    const one = featureStatistics(corners(1, 3), { onProgress: (parts) => done.push(parts) });
    expect(done).toEqual([2 ** 21, count]);
    // Half the sides are the means, and with the divisor count - 1 nearly the deviations.
    const expected = (0.5 ** 2 + 1 ** 2) * (1 + count / (count - 1));
    expect(frechetDistance(one, featureStatistics(corners(2, 1)))).toBeCloseTo(expected, 10);
  });

  it('between a set and itself is 0 within rounding, and never negative', () => {
    for (const set of [a, padded(a, 80), firstOf(a, 2), referenceFeatures('inception/real/pool3')]) {
      const statistics = featureStatistics(set);
      const value = frechetDistance(statistics, statistics);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1e-12 * statistics.variance);
    }
  });

  it('of constant sets is the distance of their means', () => {
    const constant = (value: number, count: number) => features(count, 3, () => value);
    for (const count of [3, 10]) {
      expect(distance(constant(0.1, count), constant(0.6, 4))).toBeCloseTo(0.75, 12);
      expect(distance(constant(0.1, count), constant(0.1, 7))).toBeLessThan(1e-12);
    }
  });

  it('is finite if some features are constant or equal', () => {
    const dead = (from: Features) =>
      features(from.count, 20, (row, d) =>
        d < 12 ? from.values[row * 12 + d]! : d < 16 ? 0.3 : from.values[row * 12]!,
      );
    // The last five are one feature five times: the first of them stands for it, five times as large a square.
    const merged = (from: Features) =>
      features(from.count, 12, (row, d) => from.values[row * 12 + d]! * (d === 0 ? Math.sqrt(5) : 1));
    expect(distance(dead(a), dead(b))).toBeCloseTo(distance(merged(a), merged(b)), 6);
  });

  it('is the same for features in single precision', () => {
    const single = { ...a, values: Float32Array.from(a.values) };
    expect(distance(single, { ...a, values: Float64Array.from(single.values) })).toBeLessThan(1e-12);
  });

  it('compares one set with many, and leaves no tensor', () => {
    const before = held();
    const real = featureStatistics(a);
    const values = [5, 6, 7].map((seed) =>
      frechetDistance(real, featureStatistics(normalFeatures(seed, 9, 12))),
    );
    expect(new Set(values).size).toBe(3);
    expect(values[0]).toBe(distance(a, normalFeatures(5, 9, 12)));
    expect(held()).toEqual(before);
  });
});

describe('featureStatistics rejects', () => {
  const good = normalFeatures(1, 5, 4);
  it.each([0, 1])('%i images', (count) => {
    const statistics = () => featureStatistics(firstOf(good, count), { name: 'fake' });
    expect(statistics).toThrow(InputError);
    expect(statistics).toThrow(
      `Expected at least 2 images of the set 'fake' for a covariance but found ${count}; add images`,
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('a feature that is %f', (value) => {
    const bad = { ...good, values: good.values.slice() };
    bad.values[6] = value;
    expect(() => featureStatistics(bad)).toThrow(`found ${value} in feature 2 of image 1`);
    expect(() => featureStatistics(bad)).toThrow(InputError);
  });

  it('features that are too large to square', () => {
    const large = (count: number) => features(count, 4, (row) => row * 1e200);
    expect(() => featureStatistics(large(3))).toThrow('whose squares are finite');
    expect(() => featureStatistics(large(9))).toThrow('whose squares are finite');
  });

  it('sets of different networks, and values that do not fill rows', () => {
    expect(() => distance(good, normalFeatures(1, 5, 3))).toThrow('features of one network');
    expect(() => featureStatistics({ ...good, count: 4 })).toThrow(RangeError);
  });
});
