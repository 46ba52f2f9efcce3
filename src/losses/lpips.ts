import type { Tensor } from '@tensorflow/tfjs-core';
import { type CheckpointPolicy, keepActivations } from '../model/checkpointing.js';
import type { Params } from '../model/parameters.js';
import { mean, scalarOf } from '../ops/arithmetic.js';
import type { Lpips } from '../perceptual/lpips.js';

/**
 * Mean perceptual distance of pictures `[n, h, w, 3]` in [-1, 1] to their originals.
 *
 * @param keeping what the pass through the network keeps for the gradient.
 */
export function lpipsLoss(
  lpips: Lpips,
  params: Params,
  returned: Tensor,
  original: Tensor,
  policy: CheckpointPolicy = keepActivations,
): Tensor {
  const distances = policy.pass(Object.keys(lpips.specs), (given, [a, b]) => [
    lpips.distance(given, lpips.features(given, a!), lpips.features(given, b!)),
  ]);
  return scalarOf(mean(distances(params, [returned, original])[0]!));
}
