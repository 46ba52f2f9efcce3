// Minibatch standard deviation: lets a discriminator compare the images, or style codes, of a batch.

import type { Tensor } from '@tensorflow/tfjs-core';
import { affine, broadcastTo, mean, reshape, sqrt, square, subtract } from '../ops/arithmetic.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';

/** Added to the batch variance under the root (reference: Discriminator.forward, FCMinibatchStd.forward). */
const DEVIATION_EPSILON = 1e-8;

/**
 * Standard deviation of every feature over the batch (biased), repeated for every row: `[n, f] -> [n, f]`.
 *
 * @param groups splits the batch into that many equal parts, each with its own deviation.
 * @param ranks the ranks whose batches count as one.
 */
export function batchDeviation(features: Tensor, groups = 1, ranks: Ranks = ONE_RANK): Tensor {
  const [count, width] = features.shape as [number, number];
  const grouped = reshape(features, [groups, count / groups, width]);
  const centred = subtract(grouped, broadcastTo(ranks.mean(mean(grouped, [1])), grouped.shape));
  const variance = ranks.mean(mean(square(centred), [1])); // [groups, 1, f]
  const deviation = sqrt(affine(variance, 1, DEVIATION_EPSILON));
  return reshape(broadcastTo(deviation, grouped.shape), [count, width]);
}
