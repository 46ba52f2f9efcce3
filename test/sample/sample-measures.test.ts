import { beforeAll, describe, expect, test } from 'vitest';
import { sampleFactors } from '../../src/sample/draw.js';
import type { Family } from '../../src/sample/factors.js';
import { rasterise } from '../../src/sample/raster.js';
import { colourEdgeStatistics, pearson, statisticsDistance } from '../../src/sample/sample-measures.js';
import { decodedImage, flatImage, type Sample } from '../support/images.js';

async function drawn(folder: 'trainA' | 'trainB', family: Family, count: number): Promise<Sample[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const factors = sampleFactors(11, folder, `${folder}/${i}`, family);
      return { image: await decodedImage(await rasterise(factors, 64)), content: factors.content };
    }),
  );
}

const sets: Record<string, Sample[]> = {};
const images = (name: string) => sets[name]!.map(({ image }) => image);

beforeAll(async () => {
  sets.photo = await drawn('trainA', 'vivid', 80);
  sets.vivid = await drawn('trainB', 'vivid', 80);
  sets.pastel = await drawn('trainB', 'pastel', 80);
  sets.print = await drawn('trainB', 'print', 80);
});

describe('statistics of colours and edges', () => {
  test('are colour moments, and shares that sum to 1', () => {
    const features = colourEdgeStatistics(flatImage(0.5, -0.5, 0.2));
    expect(features).toHaveLength(18);
    expect(features.slice(0, 3).map((value) => Number(value.toFixed(5)))).toEqual([0.06667, 1, -0.2]);
    for (const deviation of features.slice(3, 6)) expect(deviation).toBeCloseTo(0, 4);
    const sum = (from: number) => features.slice(from, from + 6).reduce((total, share) => total + share, 0);
    expect(sum(6)).toBeCloseTo(1, 9);
    expect(sum(12)).toBeCloseTo(1, 9);
    expect(features[12]).toBeCloseTo(1, 9);
  });

  test('separate domains and families, but hardly the halves of one set', () => {
    for (const name of ['photo', 'vivid', 'pastel', 'print']) {
      const withinSet = statisticsDistance(images(name).slice(0, 40), images(name).slice(40));
      expect(withinSet).toBeLessThan(0.15);
      for (const other of ['photo', 'vivid', 'pastel', 'print']) {
        if (other === name) continue;
        const apart = statisticsDistance(images(other), images(name));
        expect(apart, `${other} from ${name}`).toBeGreaterThan(1);
        expect(apart, `${other} from ${name}`).toBeGreaterThan(8 * withinSet);
      }
    }
  });

  test('are farther from the reference the more colours fade', () => {
    const reference = images('vivid').slice(0, 40);
    const faded = (by: number) =>
      images('vivid')
        .slice(40)
        .map((image) => ({ ...image, data: image.data.map((value) => value * (1 - by)) }));
    const distances = [0, 0.2, 0.4, 0.6].map((by) => statisticsDistance(faded(by), reference));
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeGreaterThan(distances[i - 1]!);
    expect(statisticsDistance(reference, reference)).toBe(0);
  });

  test('reject empty sets', () => {
    expect(() => statisticsDistance([], images('photo'))).toThrow(RangeError);
  });
});

test('pearson is the correlation of two lists, and 0 for a constant one', () => {
  expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(pearson([1, 2, 3, 4], [1, -1, -1, 1])).toBeCloseTo(0, 12);
  expect(pearson([1, 2, 3, 5], [2, 1, 4, 4])).toBeCloseTo(0.74819, 5);
  expect(pearson([1, 1, 1], [1, 2, 3])).toBe(0);
  expect(() => pearson([1, 2], [1])).toThrow(RangeError);
});
