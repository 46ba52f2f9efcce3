// Feature vectors for tests of metrics.
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/base/rng.js';
import type { Features } from '../../src/eval/statistics/features.js';
import { readTensors } from './reference.js';

/** Features computed by a function of row and dimension. */
export function features(count: number, dims: number, value: (row: number, d: number) => number): Features {
  const values = Float64Array.from({ length: count * dims }, (_, i) => value(Math.floor(i / dims), i % dims));
  return { values, count, dims };
}

/** Correlated normal features from a seed. */
export function normalFeatures(seed: number, count: number, dims: number, shift = 0): Features {
  const rng = new Rng(seed, 'features');
  const normal = features(count, dims, () => rng.normal());
  const { values } = normal;
  for (let i = values.length - 1; i >= 0; i--) {
    if (i % dims > 0) values[i] = 0.6 * values[i]! + 0.4 * values[i - 1]! + shift;
  }
  return normal;
}

/** The features of the first images of a set. */
export function firstOf({ values, dims }: Features, count: number): Features {
  return { values: values.subarray(0, count * dims), count, dims };
}

/** Features from the figures of the reference, in their stored precision. */
export function referenceFeatures(name: string): Features {
  const tensor = readTensors('metrics.safetensors').get(name)!;
  const [count, dims] = tensor.shape as [number, number];
  return { values: tensor.data as Float32Array | Float64Array, count, dims };
}

/** Numbers of TensorFlow's tensors and sessions, and of tfjs's tensors. */
export function held(): { tensors: number; sessions: number; tfjs: number } {
  const backend = tf.backend() as unknown as { getNumOfTFTensors(): number; getNumOfSavedModels(): number };
  return {
    tensors: backend.getNumOfTFTensors(),
    sessions: backend.getNumOfSavedModels(),
    tfjs: tf.memory().numTensors,
  };
}
