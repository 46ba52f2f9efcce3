// Equivariance: a warped image should become the warped translation (the geometry consistency of GcGAN, Fu et al. 2019). The warps
// are those of the step's images, so that the discriminators train both translations that are compared.

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { abs, mean, scalarOf, scaleBy, subtract } from '../ops/arithmetic.js';
import { downsample } from '../ops/resample.js';
import { defineLoss, weight } from './loss.js';

/**
 * The mean absolute difference of translations, and of those of other warps of the same images that were moved onto them,
 * both `[n, h, w, 3]`, where both show something. They are halved first: moving an image blurs its lines, which a comparison
 * of single pixels would teach to the generators.
 *
 * @param overlap 1 where both show something, else 0: `[n, h, w, 1]`.
 * @param halvings how often; at least 1.
 */
export function equivarianceLoss(
  translated: Tensor,
  realigned: Tensor,
  overlap: Tensor,
  halvings: number,
): Tensor {
  let difference = scaleBy(subtract(translated, realigned), overlap);
  for (let i = 0; i < halvings; i++) difference = downsample(difference);
  return scalarOf(mean(abs(difference)));
}

/** A warped image should become the warped translation. */
export const equivariance = defineLoss({
  config: z
    .strictObject({
      weight: weight(
        'Weight of the equivariance loss; 0 turns it off. It costs one more pass through the decoders.',
      ).default(0),
      halvings: z
        .int()
        .min(1)
        .max(4)
        .default(2)
        .describe(
          'How often both images are halved before they are compared: once sees small shifts of small features, more often overlooks them.',
        ),
    })
    .prefault({})
    .describe('A warped image should become the warped translation (after GcGAN).'),
  inputs: ['translated', 'realigned'],
  trainsDecoder: true,
  term: ({ translated, realigned: { images, overlap } }, { halvings }) =>
    equivarianceLoss(translated, images, overlap, halvings),
});
