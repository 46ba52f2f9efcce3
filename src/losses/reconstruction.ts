// Distances of two tensors, which the reconstruction losses share.

import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, mean, scalarOf, square, subtract } from '../ops/arithmetic.js';

/** Mean squared difference of two tensors of one shape. */
export function l2Distance(a: Tensor, b: Tensor): Tensor {
  return scalarOf(mean(square(subtract(a, b))));
}

/** Mean absolute difference of two tensors of one shape. */
export function l1Distance(a: Tensor, b: Tensor): Tensor {
  return scalarOf(mean(abs(subtract(a, b))));
}
