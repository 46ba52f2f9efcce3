// Equivariance: a warped image should become the warped translation (the geometry consistency of GcGAN, Fu et al. 2019). The warps
// are those of the step's images, so that the discriminators train both translations that are compared.

import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, mean, scalarOf, scaleBy, subtract } from '../ops/arithmetic.js';
import { downsample } from '../ops/resample.js';
import { defineLoss, weight } from './loss.js';

/**
 * The mean absolute difference of translations, and of those of other warps of the same images that were moved onto them,
 * both `[n, h, w, 3]`, where both show something. They are compared at a quarter of their size: moving an image blurs its
 * lines, which a comparison of single pixels would teach to the generators.
 *
 * @param overlap 1 where both show something, else 0: `[n, h, w, 1]`.
 */
export function equivarianceLoss(translated: Tensor, realigned: Tensor, overlap: Tensor): Tensor {
  const difference = scaleBy(subtract(translated, realigned), overlap);
  return scalarOf(mean(abs(downsample(downsample(difference)))));
}

/** A warped image should become the warped translation. */
export const equivariance = defineLoss({
  config: weight(
    'Weight of the equivariance loss: a warped image should become the warped translation; 0 turns it off. It costs one more pass through the decoders.',
  ).default(0),
  inputs: ['translated', 'realigned'],
  trainsDecoder: true,
  term: ({ translated, realigned }) => equivarianceLoss(translated, realigned.images, realigned.overlap),
});
