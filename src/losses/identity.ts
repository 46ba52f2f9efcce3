import type { Tensor } from '@tensorflow/tfjs-core';
import { l1Distance } from './reconstruction.js';

/** A picture of the target domain, encoded and decoded with its own style, stays itself: mean absolute difference. */
export function identityLoss(rebuilt: Tensor, original: Tensor): Tensor {
  return l1Distance(rebuilt, original);
}
