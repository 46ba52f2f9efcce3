import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { LpipsEvaluator } from '../../../src/eval/features/lpips-evaluator.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { type LoadedLpips, type LpipsValues, loadLpips, lpipsValues } from '../../../src/weights/lpips.js';
import { formulaCache } from '../../support/weights.js';

const SIZE = 40;
const LENGTH = SIZE * SIZE * 3;
const COUNT = 7;
/** Equal images. */
const TWINS = [1, 5] as const;

const images = new Rng(1, 'images').normals(COUNT * LENGTH).map((value) => Math.tanh(value));
images.copyWithin(TWINS[1] * LENGTH, TWINS[0] * LENGTH, (TWINS[0] + 1) * LENGTH);

let onHost: LpipsValues;
let loaded: LoadedLpips;
let meter: LpipsEvaluator;
beforeAll(async () => {
  await loadEngine();
  const env = await formulaCache('alexnet', 'lpips-alex');
  onHost = await lpipsValues('alex', env);
  loaded = await loadLpips('alex', env);
  meter = new LpipsEvaluator(onHost.lpips, onHost.values);
});
afterAll(() => {
  meter.dispose();
  loaded.dispose();
});

/** Distances of some of the images, by the pair: the lower number first. */
function measured(by: LpipsEvaluator, chosen: readonly number[]): Map<string, number> {
  const some = new Float32Array(chosen.length * LENGTH);
  for (const [place, i] of chosen.entries())
    some.set(images.subarray(i * LENGTH, (i + 1) * LENGTH), place * LENGTH);
  const distances = by.pairDistances(some, [chosen.length, SIZE, SIZE]);
  const pairs = chosen.flatMap((a, place) => chosen.slice(place + 1).map((b) => [a, b] as const));
  expect(distances).toHaveLength(pairs.length);
  return new Map(pairs.map(([a, b], k) => [`${Math.min(a, b)} ${Math.max(a, b)}`, distances[k]!]));
}

const ALL = Array.from({ length: COUNT }, (_, i) => i);

describe('LpipsEvaluator', () => {
  it('gives the distances of all pairs, and exactly 0 between equal images', () => {
    const { lpips, params } = loaded;
    const distances = measured(meter, ALL);
    const pair = (a: number, b: number): number =>
      tf.tidy(() => {
        const features = (i: number) =>
          lpips.features(params, tf.tensor4d(images.slice(i * LENGTH, (i + 1) * LENGTH), [1, SIZE, SIZE, 3]));
        return lpips.distance(params, features(a), features(b)).dataSync()[0]!;
      });
    for (const a of ALL)
      for (const b of ALL.slice(a + 1)) {
        const distance = distances.get(`${a} ${b}`)!;
        expect(distance).toBeCloseTo(pair(a, b), 5);
        if (a === TWINS[0] && b === TWINS[1]) expect(distance).toBe(0);
        else expect(distance).toBeGreaterThan(0.01);
      }
  });

  it('gives a pair the same bits in any order, any set of images, and blocks of any size', () => {
    const expected = measured(meter, ALL);
    const small = [2, 4].map((length) => {
      // AlexNet's five layers of an image of 40 px.
      const bytes = 4 * (9 * 9 * 64 + 4 * 4 * 192 + 384 + 256 + 256);
      return new LpipsEvaluator(onHost.lpips, onHost.values, { blockBytes: length * bytes });
    });
    const least = new LpipsEvaluator(onHost.lpips, onHost.values, { blockBytes: 1 });
    try {
      for (const by of [meter, ...small, least])
        for (const chosen of [ALL, ALL.toReversed(), [3, 0], [4, 1, 6], [5, 2, 0, 1], [6, 3, 1, 0, 5]])
          for (const [pair, distance] of measured(by, chosen))
            expect(Object.is(distance, expected.get(pair)), `${pair} of ${chosen}`).toBe(true);
    } finally {
      for (const by of [...small, least]) by.dispose();
    }
  });

  it('handles alternating image sizes, and rejects fewer than two images and wrong lengths', () => {
    const expected = measured(meter, [0, 2]).get('0 2');
    for (const side of [36, 44, 48]) {
      const other = new Rng(side, 'other').normals(2 * side * side * 3);
      expect(meter.pairDistances(other, [2, side, side])[0]).toBeGreaterThan(0);
    }
    expect(measured(meter, [0, 2]).get('0 2')).toBe(expected);
    expect(() => meter.pairDistances(images.slice(0, LENGTH), [1, SIZE, SIZE])).toThrow(RangeError);
    expect(() => meter.pairDistances(images, [COUNT - 1, SIZE, SIZE])).toThrow(RangeError);
  });
});
