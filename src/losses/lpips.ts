// The perceptual part of cycle consistency: LPIPS between an image and its reconstruction.

import type { Tensor } from '@tensorflow/tfjs-core';
import { type CheckpointPolicy, keepActivations } from '../model/checkpointing.js';
import type { Params } from '../model/parameters.js';
import { mean, scalarOf } from '../ops/arithmetic.js';
import type { Lpips } from '../perceptual/lpips.js';

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
