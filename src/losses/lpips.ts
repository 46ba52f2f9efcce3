// The perceptual part of cycle consistency: LPIPS between an image and its reconstruction.

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type CheckpointPolicy, keepActivations } from '../model/checkpointing.js';
import type { Params } from '../model/parameters.js';
import { mean, scalarOf } from '../ops/arithmetic.js';
import type { Lpips } from '../perceptual/lpips.js';
import { defineLoss, weight } from './loss.js';

/**
 * Mean perceptual distance of images `[n, h, w, 3]` in [-1, 1] to their originals.
 *
 * @param policy decides what the pass through the network keeps for the gradient.
 */
export function lpipsLoss(
  lpips: Lpips,
  params: Params,
  returned: Tensor,
  original: Tensor,
  policy: CheckpointPolicy = keepActivations,
): Tensor {
  const distances = policy.pass(Object.keys(lpips.specs), (weights, [a, b]) => [
    lpips.distance(weights, lpips.features(weights, a!), lpips.features(weights, b!)),
  ]);
  return scalarOf(mean(distances(params, [returned, original])[0]!));
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
  inputs: ['perceptual', 'returned', 'same'],
  trainsDecoder: true,
  lpipsWeights: ({ weights }) => weights,
  problem: ({ weight, weights }) =>
    weights === null
      ? {
          option: 'weights',
          expected: `cache, or a file with the LPIPS weights, because losses.lpips.weight is ${weight} (run gnr weights fetch vgg16 lpips-vgg and set losses.lpips.weights=cache, see "Perceptual loss" in docs/training.md; or set losses.lpips.weight=0)`,
        }
      : undefined,
  term: ({ perceptual, returned, same }) =>
    lpipsLoss(perceptual.lpips, perceptual.params, returned, same, perceptual.policy),
});
