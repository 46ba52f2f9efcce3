// Equivariance: a warped image should become the warped translation (the geometry consistency of GcGAN, Fu et al. 2019, under the
// smooth warps that Thewlis et al. 2017 learn landmarks from).

import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, mean, scalarOf, subtract } from '../ops/arithmetic.js';
import { downsample } from '../ops/resample.js';
import { defineLoss, weight } from './loss.js';

/**
 * The mean absolute difference of warped translations and translations of warped images, both `[n, h, w, 3]`. They are
 * compared at a quarter of their size: a warp blurs lines, which a comparison of single pixels would teach to the generators.
 */
export function equivarianceLoss(warpedTranslations: Tensor, translationsOfWarped: Tensor): Tensor {
  const difference = subtract(warpedTranslations, translationsOfWarped);
  return scalarOf(mean(abs(downsample(downsample(difference)))));
}

/** A warped image should become the warped translation. */
export const equivariance = defineLoss({
  config: weight(
    'Weight of the equivariance loss: a warped image becomes the warped translation; 0 turns it off. It costs one more pass through the generators.',
  ).default(0),
  inputs: ['warped'],
  trainsDecoder: true,
  term: ({ warped }) => equivarianceLoss(warped.translations, warped.images),
});
