import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { colourMatrix, drawColour } from '../../../src/augment/adaptive/colour.js';
import { drawGeometry, samplingMatrix } from '../../../src/augment/adaptive/geometry.js';
import { recolour, warpImages } from '../../../src/augment/adaptive/operations.js';
import { Rng } from '../../../src/base/rng.js';
import { square } from '../../../src/ops/arithmetic.js';
import { kernels, useKernels } from '../../../src/runtime/kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { portableKernels } from '../../../src/runtime/portable-kernels.js';
import { mirroredIndex, sampled } from '../../support/bilinear.js';
import { checkGradients } from '../../support/gradients.js';
import { relativeError } from '../../support/reference.js';
import { indicesOf, randomTensor, valuesOf } from '../../support/tensors.js';

const SIZE = 9;
const COUNT = 5;

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const images = (size = SIZE, count = COUNT): tf.Tensor => randomTensor(1, [count, size, size, 3]);
const warps = (size = SIZE, count = COUNT): number[][] => {
  const rng = new Rng(7);
  const all = { blit: 1, geometry: 1 };
  return Array.from({ length: count }, () => [...samplingMatrix(drawGeometry(all, size, rng), size)]);
};
const colours = (count = COUNT): number[][][] => {
  const rng = new Rng(8);
  return Array.from({ length: count }, () => colourMatrix(drawColour(1, rng)).map((row) => [...row]));
};

/** Computes every pixel on its own from its four neighbours. */
function slowWarp(image: tf.Tensor, matrices: number[][]): number[] {
  const [count, size] = image.shape as [number, number];
  const values = image.dataSync();
  const length = size * size * 3;
  return indicesOf([count, size, size, 3]).map((index) => {
    const [n, row, column, channel] = index as [number, number, number, number];
    const [a, b, c, d, e, f] = matrices[n] as [number, number, number, number, number, number];
    const position = [a * column + b * row + c, d * column + e * row + f] as const;
    return sampled(values.subarray(n * length, (n + 1) * length), size, position, channel);
  });
}

describe('warpImages', () => {
  const same = [1, 0, 0, 0, 1, 0];

  it('equals a plain loop over pixels', () => {
    for (const size of [SIZE, 32]) {
      const image = images(size);
      const matrices = warps(size);
      const warped = warpImages(image, tf.tensor2d(matrices));
      expect(warped.shape).toEqual(image.shape);
      expect(relativeError(valuesOf(warped), slowWarp(image, matrices))).toBeLessThan(1e-4);
    }
  });

  it('mirrors repeatedly for positions far outside the image', () => {
    const matrices = [
      [3.7, 0, -40, 0, -5.2, 60],
      [0, 9, 100, 11, 0.5, -300],
      [1, 0, 16, 0, 1, -32],
      [1, 0, 8, 0, 1, 1e4],
      [0, 0, 8, 0, 0, 8],
    ];
    const image = images();
    const warped = valuesOf(warpImages(image, tf.tensor2d(matrices)));
    expect(relativeError(warped, slowWarp(image, matrices))).toBeLessThan(1e-3);
  });

  it.each([
    ['the identity', same, (row: number, column: number) => [row, column]],
    ['a mirror image', [-1, 0, 8, 0, 1, 0], (row: number, column: number) => [row, 8 - column]],
    ['a quarter turn', [0, -1, 8, 1, 0, 0], (row: number, column: number) => [column, 8 - row]],
    ['a shift by whole pixels', [1, 0, -2, 0, 1, 1], (row: number, column: number) => [row + 1, column - 2]],
  ] as const)('copies pixels bit for bit for %s', (_, matrix, from) => {
    const image = images();
    const values = image.dataSync();
    const expected = indicesOf([COUNT, SIZE, SIZE, 3]).map((index) => {
      const [n, row, column, channel] = index as [number, number, number, number];
      const [r, c] = from(row, column).map((at) => mirroredIndex(at, SIZE)) as [number, number];
      return values[((n * SIZE + r) * SIZE + c) * 3 + channel]!;
    });
    const matrices = tf.tensor2d(Array<readonly number[]>(COUNT).fill(matrix) as number[][]);
    expect(valuesOf(warpImages(image, matrices))).toEqual(expected);
  });

  it('gives the same result in smaller parts', () => {
    const image = images();
    const matrices = tf.tensor2d(warps());
    const whole = valuesOf(warpImages(image, matrices));
    const pixels = (SIZE + 1) ** 2;
    for (const maxPixels of [pixels, 2 * pixels, 1])
      expect(relativeError(valuesOf(warpImages(image, matrices, maxPixels)), whole)).toBeLessThan(1e-6);
  });

  it('gives the same result on the portable kernels', () => {
    const image = images();
    const native = kernels();
    const seen = () => valuesOf(recolour(warpImages(image, tf.tensor2d(warps())), tf.tensor3d(colours())));
    const expected = seen();
    useKernels(portableKernels);
    try {
      expect(relativeError(seen(), expected)).toBeLessThan(1e-5);
    } finally {
      useKernels(native);
    }
  });

  it('has the gradients of finite differences, to third order', () => {
    const matrices = tf.tensor2d(warps(5, 2));
    checkGradients((x) => square(warpImages(x!, matrices)), [images(5, 2)], 3);
    checkGradients((x) => warpImages(x!, matrices, 1), [images(5, 2)], 2);
  });
});

describe('recolour', () => {
  it('equals a plain loop over pixels', () => {
    const image = images();
    const matrices = colours();
    const values = image.dataSync();
    const expected = indicesOf([COUNT, SIZE, SIZE, 3]).map((index, i) => {
      const [n, , , channel] = index as [number, number, number, number];
      const [r, g, b, offset] = matrices[n]![channel] as [number, number, number, number];
      const start = i - channel;
      return r * values[start]! + g * values[start + 1]! + b * values[start + 2]! + offset;
    });
    expect(relativeError(valuesOf(recolour(image, tf.tensor3d(matrices))), expected)).toBeLessThan(1e-5);
  });

  it('returns the images bit for bit for the identity', () => {
    const image = images();
    const identity = colourMatrix(drawColour(0, new Rng(1))).map((row) => [...row]);
    const matrices = tf.tensor3d(Array<number[][]>(COUNT).fill(identity));
    expect(valuesOf(recolour(image, matrices))).toEqual(valuesOf(image));
  });

  it('has the gradients of finite differences, to third order', () => {
    const matrices = tf.tensor3d(colours(2));
    checkGradients((x) => square(recolour(x!, matrices)), [images(3, 2)], 3);
  });
});
