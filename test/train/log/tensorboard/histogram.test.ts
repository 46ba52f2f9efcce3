import { expect, it } from 'vitest';
import { type Histogram, HistogramBuilder } from '../../../../src/train/log/tensorboard/histogram.js';

function histogramOf(vectors: readonly Float32Array[], buckets?: number): Histogram {
  const builder = new HistogramBuilder(buckets);
  for (const vector of vectors) builder.measure(vector);
  for (const vector of vectors) builder.count(vector);
  return builder.finish();
}

it('a histogram counts the numbers of all vectors in buckets of equal width, including the edges', () => {
  const vectors = [new Float32Array([0, 0.5, 1, 3.5]), new Float32Array([4, 4, 2])];
  expect(histogramOf(vectors, 4)).toEqual({
    min: 0,
    max: 4,
    count: 7,
    sum: 15,
    sumOfSquares: 0.25 + 1 + 3.5 ** 2 + 16 + 16 + 4,
    limits: [1, 2, 3, 4],
    // A number on an edge belongs to the bucket on its right; the largest one to the last.
    counts: [2, 1, 1, 3],
  });
});

it('a histogram counts every number once, whatever the rounding of the edges', () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 1e-3 + 7);
  const { counts, limits, count, min, max } = histogramOf([values]);
  expect(count).toBe(1000);
  expect(counts.reduce((total, number) => total + number)).toBe(1000);
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts.at(-1)).toBeGreaterThan(0);
  expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
  expect(limits.at(-1)).toBe(max);
  expect(limits).toEqual([...limits].sort((a, b) => a - b));
});

it('a histogram of equal numbers has one bucket, and one without numbers has none', () => {
  expect(histogramOf([new Float32Array(5).fill(2)])).toMatchObject({
    min: 2,
    max: 2,
    limits: [2],
    counts: [5],
  });
  expect(histogramOf([])).toEqual({
    min: 0,
    max: 0,
    count: 0,
    sum: 0,
    sumOfSquares: 0,
    limits: [],
    counts: [],
  });
});

it('a histogram ignores numbers that are not finite', () => {
  const values = new Float32Array([Number.NaN, 1, Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY]);
  expect(histogramOf([values], 2)).toEqual(histogramOf([new Float32Array([1, 2])], 2));
});
