import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { LpipsMeter } from '../../../src/eval/features/lpips-meter.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { Rng } from '../../../src/runtime/rng.js';
import { loadLpips } from '../../../src/weights/lpips.js';
import { formulaCache } from '../../support/weights.js';

const SIZE = 40;
const LENGTH = SIZE * SIZE * 3;

beforeAll(() => loadEngine());

describe('LpipsMeter', () => {
  it('gives the distances of all pairs, and exactly 0 between equal pictures', async () => {
    const { lpips, params, dispose } = await loadLpips('alex', await formulaCache('alexnet', 'lpips-alex'));
    const values = Object.fromEntries(
      Object.entries(params).map(([path, tensor]) => [path, (tensor as Tensor).dataSync<'float32'>()]),
    );
    const rng = new Rng(1, 'pictures');
    const pictures = Float32Array.from({ length: 4 * LENGTH }, () => rng.uniform(-1, 1));
    pictures.copyWithin(3 * LENGTH, LENGTH, 2 * LENGTH);
    const meter = new LpipsMeter(lpips, values);
    const distances = meter.pairDistances(pictures, [4, SIZE, SIZE]);
    const pair = (a: number, b: number): number =>
      tf.tidy(() => {
        const features = (i: number) =>
          lpips.features(
            params,
            tf.tensor4d(pictures.slice(i * LENGTH, (i + 1) * LENGTH), [1, SIZE, SIZE, 3]),
          );
        return lpips.distance(params, features(a), features(b)).dataSync()[0]!;
      });
    const expected = [pair(0, 1), pair(1, 2), pair(2, 3), pair(0, 2), pair(1, 3), pair(0, 3)];
    for (const [i, distance] of distances.entries()) expect(distance).toBeCloseTo(expected[i]!, 5);
    expect(distances[4]).toBe(0);
    expect(distances[0]).toBeGreaterThan(0.01);
    // Sizes take turns.
    for (const count of [2, 3, 4]) {
      const some = meter.pairDistances(pictures.slice(0, count * LENGTH), [count, SIZE, SIZE]);
      expect(some).toHaveLength((count * (count - 1)) / 2);
      expect(some[0]).toBeCloseTo(expected[0]!, 5);
    }
    expect(() => meter.pairDistances(pictures.slice(0, LENGTH), [1, SIZE, SIZE])).toThrow(RangeError);
    meter.dispose();
    dispose();
  });
});
