// Style consistency (GANs N' Roses, section 3): all augmentations of one image should have one style code.

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import {
  affine,
  broadcastTo,
  divide,
  matMul,
  mean,
  scalarOf,
  scale,
  sqrt,
  square,
  subtract,
  sum,
} from '../ops/arithmetic.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';
import { defineLoss, weight } from './loss.js';

/** Keeps the norm of a style code of zeros away from zero. */
const NORM_EPSILON = 1e-16;

/**
 * The paper's style consistency loss: one image, differently augmented over the batch, must have one style code. The loss
 * is the variance of its codes over the batch (biased), summed over the code. `[n, latentDim]`.
 *
 * @param ranks the ranks whose batches count as one: the loss is the average of theirs.
 */
export function styleVariance(styles: Tensor, ranks: Ranks = ONE_RANK): Tensor {
  const centred = subtract(styles, broadcastTo(ranks.mean(mean(styles, [0])), styles.shape));
  return scalarOf(sum(mean(square(centred), [0])));
}

/**
 * The form of the released training code (branch train, util.py, cosine_distance): one minus the cosine similarity, summed
 * over all ordered pairs of the batch. `[n, latentDim]`.
 *
 * @param ranks as for `styleVariance`; the pairs are those of all ranks.
 */
export function styleCosineDistance(styles: Tensor, ranks: Ranks = ONE_RANK): Tensor {
  const norm = sqrt(affine(sum(square(styles), [1]), 1, NORM_EPSILON)); // [n, 1]
  const unit = divide(styles, broadcastTo(norm, styles.shape));
  if (ranks.size > 1) {
    // The similarities of all pairs add up to the square of the sum of all codes.
    const count = styles.shape[0]! * ranks.size;
    const total = scale(ranks.mean(sum(unit, [0])), ranks.size);
    return affine(scalarOf(sum(square(total))), -1, count ** 2);
  }
  return scalarOf(sum(affine(matMul(unit, unit, false, true), -1, 1)));
}

/** All augmentations of one image should have one style code. */
export const styleConsistency = defineLoss({
  config: z
    .strictObject({
      form: z
        .enum(['variance', 'cosine'])
        .default('variance')
        .describe(
          'Measure of the spread of the style codes in a batch: variance, or pairwise cosine distance.',
        ),
      weight: weight('Weight of the style consistency loss.').default(50),
    })
    .prefault({})
    .describe('All warps of one image have the same style.'),
  inputs: ['sameStyles', 'statistics'],
  trainsDecoder: false,
  inInitialization: true,
  term: ({ sameStyles, statistics }, { form }) =>
    form === 'variance' ? styleVariance(sameStyles, statistics) : styleCosineDistance(sameStyles, statistics),
});
