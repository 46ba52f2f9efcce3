import { describe, expect, it } from 'vitest';
import { DownsampledSeries } from '../../../src/train/log/downsampled-series.js';

function seriesOf(values: readonly number[]): DownsampledSeries {
  const series = new DownsampledSeries();
  values.forEach((value, i) => {
    series.add({ step: 10 * i, value });
  });
  return series;
}

describe('DownsampledSeries', () => {
  it('keeps every point of a short series', () => {
    const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i));
    const points = values.map((value, i) => ({ step: 10 * i, value }));
    expect(seriesOf(values).points()).toEqual(points);
    expect(seriesOf(values).means()).toEqual(points);
  });

  it('keeps extremes, means and the newest point of a long series, in bounded memory', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => (i === 54_321 ? 99 : i === 777 ? -99 : i % 2));
    const series = seriesOf(values);
    const points = series.points();
    expect(points.length).toBeLessThan(2100);
    expect(points).toContainEqual({ step: 543_210, value: 99 });
    expect(points).toContainEqual({ step: 7770, value: -99 });
    expect(points.at(-1)).toEqual({ step: 999_990, value: 1 });
    expect(points.map(({ step }) => step)).toEqual(points.map(({ step }) => step).toSorted((a, b) => a - b));
    const means = series.means();
    const averaged = means.filter(({ value }) => value === 0.5);
    expect(means.length).toBeGreaterThan(500);
    expect(averaged.length).toBeGreaterThanOrEqual(means.length - 3);
    const total = means.slice(0, -1).reduce((sum, { value }) => sum + value, 0) / (means.length - 1);
    expect(total).toBeCloseTo(0.5, 2);
  });

  it('keeps values that are not finite', () => {
    const values = Array.from({ length: 5000 }, (_, i) => (i === 4000 ? Number.NaN : 1));
    expect(seriesOf(values).points()).toContainEqual({ step: 40_000, value: Number.NaN });
    expect(
      seriesOf(values)
        .means()
        .every(({ value }) => value === 1),
    ).toBe(true);
  });
});
