import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { sampleFactors } from '../../src/data/sample/draw.js';
import type { Content, Family } from '../../src/data/sample/factors.js';
import { rasterise } from '../../src/data/sample/raster.js';
import {
  colourEdgeStatistics,
  contentCorrelation,
  measureFace,
  type Picture,
  pearson,
  setDiversity,
  statisticsDistance,
  styleDiversity,
} from '../../src/eval/sample-measures.js';

interface Sample {
  picture: Picture;
  content: Content;
}

async function drawn(folder: 'trainA' | 'trainB', family: Family, count: number): Promise<Sample[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const factors = sampleFactors(11, folder, `${folder}/${i}`, family);
      return { picture: await decoded(await rasterise(factors, 64)), content: factors.content };
    }),
  );
}

async function decoded(png: Buffer, blur = 0): Promise<Picture> {
  const image = blur > 0 ? sharp(png).blur(blur) : sharp(png);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return {
    data: Float32Array.from(data, (level) => level / 127.5 - 1),
    width: info.width,
    height: info.height,
  };
}

function flat(r: number, g: number, b: number, size = 8): Picture {
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => [r, g, b][i % 3]!);
  return { data, width: size, height: size };
}

const sets: Record<string, Sample[]> = {};
const pictures = (name: string): Picture[] => sets[name]!.map(({ picture }) => picture);

beforeAll(async () => {
  sets.photo = await drawn('trainA', 'vivid', 80);
  sets.vivid = await drawn('trainB', 'vivid', 80);
  sets.pastel = await drawn('trainB', 'pastel', 80);
});

describe('measureFace', () => {
  test.each(['photo', 'vivid', 'pastel'])('follows position and size in %s pictures', (name) => {
    const { x, y, scale } = contentCorrelation(
      pictures(name),
      sets[name]!.map(({ content }) => content),
    );
    expect(x).toBeGreaterThan(0.95);
    expect(y).toBeGreaterThan(0.95);
    expect(scale).toBeGreaterThan(0.8);
  });

  test.each([
    ['photo', 0.02, 0.03, 0.1],
    ['vivid', 0.02, 0.05, 0.25],
    ['pastel', 0.02, 0.05, 0.25],
  ])('is near the units of the factors in %s pictures', (name, ...bounds) => {
    const errors = sets[name]!.map(({ picture, content }) => {
      const face = measureFace(picture);
      return [face.x - content.x, face.y - content.y, face.scale - content.scale];
    });
    for (const [i, bound] of bounds.entries()) {
      const sizes = errors.map((error) => Math.abs(error[i]!)).sort((a, b) => a - b);
      expect(sizes[40]).toBeLessThan(bound);
    }
  });

  test.each([
    ['photo', 'trainA'],
    ['vivid', 'trainB'],
  ] as const)('still follows them in blurred %s pictures', async (_, folder) => {
    const factors = Array.from({ length: 60 }, (_, i) =>
      sampleFactors(12, folder, `${folder}/${i}`, 'vivid'),
    );
    const blurred = await Promise.all(factors.map(async (item) => decoded(await rasterise(item, 64), 1)));
    const { x, y, scale } = contentCorrelation(
      blurred,
      factors.map(({ content }) => content),
    );
    expect(x).toBeGreaterThan(0.93);
    expect(y).toBeGreaterThan(0.9);
    expect(scale).toBeGreaterThan(0.65);
  });

  test('hardly depends on the resolution', async () => {
    const factors = sampleFactors(2, 'trainB', 'trainB/3', 'vivid');
    const [small, large] = await Promise.all(
      [64, 128].map(async (size) => measureFace(await decoded(await rasterise(factors, size)))),
    );
    for (const key of ['x', 'y', 'scale'] as const) expect(large![key]).toBeCloseTo(small![key], 1);
  });

  test('does not follow factors of other pictures', () => {
    const others = sets.vivid!.map(({ content }) => content);
    const { x, y, scale } = contentCorrelation(pictures('photo'), others);
    for (const value of [x, y, scale]) expect(Math.abs(value)).toBeLessThan(0.35);
  });

  test('gives the middle of what it tries for a picture without a face', () => {
    const { x, y, scale } = measureFace(flat(0.2, 0.2, 0.2, 64));
    expect(x).toBeCloseTo(0, 6);
    expect(y).toBeCloseTo(0, 6);
    expect(scale).toBeCloseTo(0.94, 6);
  });
});

describe('statistics', () => {
  test('are colour moments and shares that sum to one', () => {
    const features = colourEdgeStatistics(flat(0.5, -0.5, 0.2));
    expect(features).toHaveLength(18);
    expect(features.slice(0, 3).map((value) => Number(value.toFixed(5)))).toEqual([0.06667, 1, -0.2]);
    for (const deviation of features.slice(3, 6)) expect(deviation).toBeCloseTo(0, 4);
    const sum = (from: number) => features.slice(from, from + 6).reduce((total, share) => total + share, 0);
    expect(sum(6)).toBeCloseTo(1, 9);
    expect(sum(12)).toBeCloseTo(1, 9);
    expect(features[12]).toBeCloseTo(1, 9);
  });

  test('tell the domains and the families apart, and halves of one set hardly', () => {
    for (const name of ['photo', 'vivid', 'pastel']) {
      const own = statisticsDistance(pictures(name).slice(0, 40), pictures(name).slice(40));
      expect(own).toBeLessThan(0.2);
      for (const other of ['photo', 'vivid', 'pastel']) {
        if (other !== name)
          expect(statisticsDistance(pictures(other), pictures(name))).toBeGreaterThan(20 * own);
      }
    }
  });

  test('notice blur and faded colour, the more the stronger', () => {
    const reference = pictures('vivid').slice(0, 40);
    const faded = (by: number) =>
      pictures('vivid')
        .slice(40)
        .map((picture) => ({ ...picture, data: picture.data.map((value) => value * (1 - by)) }));
    const distances = [0, 0.2, 0.4, 0.6].map((by) => statisticsDistance(faded(by), reference));
    for (let i = 1; i < distances.length; i++) expect(distances[i]).toBeGreaterThan(distances[i - 1]!);
    expect(statisticsDistance(reference, reference)).toBe(0);
  });

  test('refuse empty sets', () => {
    expect(() => statisticsDistance([], pictures('photo'))).toThrow(RangeError);
  });
});

test('pearson', () => {
  expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(pearson([1, 2, 3, 4], [1, -1, -1, 1])).toBeCloseTo(0, 12);
  expect(pearson([1, 2, 3, 5], [2, 1, 4, 4])).toBeCloseTo(0.74819, 5);
  expect(pearson([1, 1, 1], [1, 2, 3])).toBe(0);
  expect(() => pearson([1, 2], [1])).toThrow(RangeError);
});

test('diversity is the mean distance over the pairs of an input, then over the inputs', () => {
  const [zero, half, one] = [flat(0, 0, 0), flat(0.5, 0.5, 0.5), flat(1, 1, 1)];
  expect(setDiversity([zero, half, one])).toBeCloseTo((0.5 + 0.5 + 1) / 3, 6);
  expect(setDiversity([half, half])).toBe(0);
  expect(
    styleDiversity([
      [zero, one],
      [half, half, half],
    ]),
  ).toBeCloseTo(0.5, 6);
  expect(() => setDiversity([one])).toThrow(RangeError);
  expect(() => styleDiversity([])).toThrow(RangeError);
  expect(() => setDiversity([one, flat(0, 0, 0, 4)])).toThrow('8x8');
});
