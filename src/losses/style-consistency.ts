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
  sqrt,
  square,
  subtract,
  sum,
} from '../ops/arithmetic.js';
import { defineLoss, weight } from './loss.js';

/** Keeps the norm of a style code of zeros away from zero. */
const NORM_EPSILON = 1e-16;

/**
 * The paper's style consistency loss: one image, differently augmented over the batch, must have one style code. The loss
 * is the variance of its codes over the batch (biased), summed over the code. `[n, latentDim]`.
 */
export function styleVariance(styles: Tensor): Tensor {
  const centred = subtract(styles, broadcastTo(mean(styles, [0]), styles.shape));
  return scalarOf(sum(mean(square(centred), [0])));
}

/**
 * The form of the released training code (branch train, util.py, cosine_distance): one minus the cosine similarity, summed
 * over all ordered pairs of the batch. `[n, latentDim]`.
 */
export function styleCosineDistance(styles: Tensor): Tensor {
  const norm = sqrt(affine(sum(square(styles), [1]), 1, NORM_EPSILON)); // [n, 1]
  const unit = divide(styles, broadcastTo(norm, styles.shape));
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
  inputs: ['sameStyles'],
  trainsDecoder: false,
  term: ({ sameStyles }, { form }) =>
    form === 'variance' ? styleVariance(sameStyles) : styleCosineDistance(sameStyles),
});
