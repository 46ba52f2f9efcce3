// Averages over the ranks that train together, with their gradients.

import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { differentiable } from './autodiff.js';

/** The ranks that a step takes averages over. */
export interface Ranks {
  readonly size: number;
  /**
   * The average of a tensor over all ranks, which all of them have. The gradient is that of the sum of the ranks' losses: the
   * average of the gradients that arrive on the ranks.
   */
  mean(x: Tensor): Tensor;
  /** Averages gradients over all ranks; constants to all tapes. @param bytes size from which a transfer takes no further one. */
  meanOfGradients(gradients: readonly Tensor[], bytes: number): Tensor[];
}

/** One rank: averages are what they are taken of, and nothing is computed. */
export const ONE_RANK: Ranks = {
  size: 1,
  mean: (x) => x,
  meanOfGradients: (gradients) => [...gradients],
};

function mean(x: Tensor): Tensor {
  return differentiable([x], kernels().allReduce([x])[0]!, [mean]);
}

/** The ranks of a world of this size, whose collectives the engine was loaded with. */
export function ranksOf(size: number): Ranks {
  return size === 1
    ? ONE_RANK
    : { size, mean, meanOfGradients: (gradients, bytes) => kernels().allReduce(gradients, bytes) };
}
