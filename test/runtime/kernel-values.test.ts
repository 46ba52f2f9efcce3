import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ConvGeometry, kernels } from '../../src/runtime/kernels.js';
import { loadEngine } from '../../src/runtime/node.js';
import { GEOMETRIES, HEIGHT, OBLONG, outSide, WIDTH } from '../support/geometries.js';
import { relativeError } from '../support/reference.js';
import { indicesOf, randomTensor } from '../support/tensors.js';

/** Float32 sums in another order. */
const TOLERANCE = 1e-5;

describe('the values of the kernels', () => {
  beforeAll(async () => {
    await loadEngine();
  });
  const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

  it('conv2d gives the same as a plain loop over pixels', () => {
    const geometry: ConvGeometry = { stride: 2, padding: [1, 0] };
    const x = randomTensor(1, [2, 5, 6, 2]);
    const filter = randomTensor(2, [3, 3, 2, 3]);
    const X = x.dataSync();
    const F = filter.dataSync();
    const [height, width] = [outSide(5, geometry, 3), outSide(6, geometry, 3)];
    const pixel = (n: number, row: number, column: number, c: number): number =>
      row < 0 || column < 0 || row >= 5 || column >= 6 ? 0 : X[((n * 5 + row) * 6 + column) * 2 + c]!;
    const expected = indicesOf([2, height, width, 3]).map(([n, row, column, o]) =>
      indicesOf([3, 3, 2]).reduce(
        (total, [i, j, c]) =>
          total +
          pixel(n!, row! * 2 + i! - 1, column! * 2 + j! - 1, c!) * F[((i! * 3 + j!) * 2 + c!) * 3 + o!]!,
        0,
      ),
    );
    const y = kernels().conv2d(x, filter, geometry);
    expect(y.shape).toEqual([2, height, width, 3]);
    expect(relativeError(values(y), expected)).toBeLessThan(TOLERANCE);
  });

  it('gradients of convolutions are adjoint: <conv(x), dy> = <x, conv*(dy)> = <filter, dF>', () => {
    const square = GEOMETRIES.map(([name, geometry, size]) => [name, geometry, size, size] as const);
    for (const [, geometry, height, width] of [...square, ...OBLONG]) {
      const x = randomTensor(1, [2, HEIGHT, WIDTH, 3]);
      const filter = randomTensor(2, [height, width, 3, 4]);
      const k = kernels();
      const y = k.conv2d(x, filter, geometry);
      const dy = randomTensor(3, y.shape);
      const dot = (a: tf.Tensor, b: tf.Tensor): number => tf.sum(tf.mul(a, b)).dataSync()[0]!;
      const through = dot(y, dy);
      const scale = Math.abs(through) + 10;
      const byInput = dot(x, k.conv2dInputGradient(x.shape, filter, dy, geometry));
      const byFilter = dot(filter, k.conv2dFilterGradient(x, filter.shape, dy, geometry));
      expect(Math.abs(byInput - through) / scale).toBeLessThan(TOLERANCE);
      expect(Math.abs(byFilter - through) / scale).toBeLessThan(TOLERANCE);
    }
  });

  it('averagePool averages pixels inside the image, with and without a border', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
    expect(values(kernels().averagePool(x, 3, 1, 'same'))).toEqual([3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7]);
    expect(values(kernels().averagePool(x, 2, 1, 'valid'))).toEqual([3, 4, 6, 7]);
  });

  it('split and concat change no number', () => {
    const x = randomTensor(1, [10]);
    const pieces = kernels().split(x, [3, 1, 6]);
    expect(pieces.map(({ shape }) => shape)).toEqual([[3], [1], [6]]);
    expect(values(kernels().concat(pieces, 0))).toEqual(values(x));
  });
});
