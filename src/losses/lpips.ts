// The perceptual part of cycle consistency: LPIPS between an image and its reconstruction.

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { mean, scalarOf } from '../ops/arithmetic.js';
import { defineLoss, type ImageDistances, weight } from './loss.js';

/** Mean perceptual distance of images `[n, h, w, 3]` in [-1, 1] to their originals. */
export function lpipsLoss(distances: ImageDistances, returned: Tensor, original: Tensor): Tensor {
  return scalarOf(mean(distances(returned, original)));
}

/** An image translated there and back should be itself again, in LPIPS features. */
export const lpips = defineLoss({
  config: z
    .strictObject({
      weight: weight('Weight of the perceptual (LPIPS, VGG) cycle loss; 0 turns it off.').default(10),
      weights: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          'Weights of LPIPS (VGG): "cache" for those that gnr weights stores (vgg16 and lpips-vgg), or a file, relative to the working directory; null if weight is 0.',
        ),
    })
    .prefault({})
    .describe('Perceptual cycle consistency.'),
  inputs: ['lpips', 'returned', 'same'],
  trainsDecoder: true,
  lpipsWeights: ({ weights }) => weights,
  problem: ({ weight, weights }) =>
    weights === null
      ? {
          option: 'weights',
          expected: `cache, or a file with the LPIPS weights, because losses.lpips.weight is ${weight} (run gnr weights fetch vgg16 lpips-vgg and set losses.lpips.weights=cache, see "Perceptual loss" in docs/training.md; or set losses.lpips.weight=0)`,
        }
      : undefined,
  term: (inputs) => lpipsLoss(inputs.lpips, inputs.returned, inputs.same),
});
