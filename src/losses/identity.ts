// Identity loss: an image of the target domain should stay itself (released training code, branch train).

import type { Tensor } from '@tensorflow/tfjs-core';
import { l1Distance } from './reconstruction.js';

/** Mean absolute difference of an image of the target domain and itself, encoded and decoded with its own style. */
export function identityLoss(rebuilt: Tensor, original: Tensor): Tensor {
  return l1Distance(rebuilt, original);
}
