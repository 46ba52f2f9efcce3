import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blur, downsample, upsample } from '../../src/ops/resample.js';
import { loadEngine } from '../../src/runtime/node.js';
import { relativeError } from '../support/reference.js';
import { indicesOf, randomTensor, valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const TAPS = [1, 3, 3, 1];

/**
 * StyleGAN2's upfirdn2d in doubles: zeros between the pixels and around them, the filter at every position, and
 * every `down`-th position kept.
 */
function upfirdn(
  x: tf.Tensor,
  { up, down, padding, gain }: { up: number; down: number; padding: [number, number]; gain: number },
): { shape: number[]; values: number[] } {
  const [count, height, width, channels] = x.shape as [number, number, number, number];
  const data = x.dataSync();
  const pixel = (n: number, row: number, column: number, c: number): number => {
    const inside = row >= 0 && column >= 0 && row < height * up && column < width * up;
    if (!inside || row % up !== 0 || column % up !== 0) return 0;
    return data[((n * height + row / up) * width + column / up) * channels + c]!;
  };
  const side = (length: number): number =>
    Math.floor((length * up + padding[0] + padding[1] - TAPS.length) / down) + 1;
  const shape = [count, side(height), side(width), channels];
  const values = indicesOf(shape).map(([n, row, column, c]) =>
    indicesOf([4, 4]).reduce((total, [i, j]) => {
      const value = pixel(n!, row! * down + i! - padding[0], column! * down + j! - padding[0], c!);
      return total + (gain * TAPS[i!]! * TAPS[j!]! * value) / 64;
    }, 0),
  );
  return { shape, values };
}

function expectSame(actual: tf.Tensor, expected: { shape: number[]; values: number[] }): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(relativeError(valuesOf(actual), expected.values)).toBeLessThan(1e-6);
}

describe('resampling', () => {
  it.each([
    { padding: [2, 2] as [number, number], gain: 1 },
    { padding: [1, 1] as [number, number], gain: 4 },
    { padding: [2, 1] as [number, number], gain: 1 },
  ])('blur with padding $padding and gain $gain equals upfirdn2d', ({ padding, gain }) => {
    const x = randomTensor(1, [2, 5, 6, 3]);
    expectSame(blur(x, padding, gain), upfirdn(x, { up: 1, down: 1, padding, gain }));
  });

  it('downsample equals upfirdn2d with down 2', () => {
    const x = randomTensor(1, [2, 6, 8, 3]);
    expectSame(downsample(x), upfirdn(x, { up: 1, down: 2, padding: [1, 1], gain: 1 }));
  });

  it('upsample equals upfirdn2d with up 2', () => {
    const x = randomTensor(1, [2, 3, 4, 3]);
    expectSame(upsample(x), upfirdn(x, { up: 2, down: 1, padding: [2, 1], gain: 4 }));
  });

  it('keeps the brightness of a uniform image, away from the border', () => {
    const x = tf.ones([1, 8, 8, 2]);
    const inner = (y: tf.Tensor): number[] => {
      const side = y.shape[1]!;
      return valuesOf(tf.slice(y as tf.Tensor4D, [0, 2, 2, 0], [1, side - 4, side - 4, 2]));
    };
    for (const y of [blur(x, [2, 1]), downsample(x), upsample(x)])
      for (const value of inner(y)) expect(value).toBeCloseTo(1, 6);
  });

  it('makes each blur filter once and keeps it', () => {
    const x = randomTensor(1, [1, 4, 4, 5]);
    const first = tf.tidy(() => valuesOf(downsample(x)));
    const before = tf.memory().numTensors;
    expect(tf.tidy(() => valuesOf(downsample(x)))).toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });
});
