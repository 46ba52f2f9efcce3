// Tensors with random values, and their positions.
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/base/rng.js';

/** The number of elements of a shape. */
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** A tensor of normal numbers from a seed. */
export function randomTensor(seed: number, shape: number[], mean = 0, deviation = 1): tf.Tensor {
  const values = new Rng(seed, 'test').normals(sizeOf(shape));
  return tf.tensor(
    values.map((value) => mean + deviation * value),
    shape,
  );
}

/** A tensor of uniform numbers from a seed. */
export function uniformTensor(seed: number, shape: number[], low: number, high: number): tf.Tensor {
  const rng = new Rng(seed, 'test');
  return tf.tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => rng.uniform(low, high)),
    shape,
  );
}

/**
 * A tensor of numbers of both signs in random order, at least `gap` from 0 and from each other: finite differences never
 * cross the corner of a leaky ReLU or change the maximum of a window.
 */
export function separatedTensor(seed: number, shape: number[], gap: number): tf.Tensor {
  const count = sizeOf(shape);
  const order = new Rng(seed, 'test').permutation(count);
  return tf.tensor(
    Float32Array.from(order, (place) => (place - (count - 1) / 2 + (count % 2 === 0 ? 0 : 0.5)) * gap),
    shape,
  );
}

/** The values of a tensor as an array of doubles. */
export function valuesOf(tensor: tf.Tensor): number[] {
  return Array.from(tensor.dataSync());
}

/** All positions of a shape in row-major order. */
export function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (heads, n) => heads.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])),
    [[]],
  );
}
