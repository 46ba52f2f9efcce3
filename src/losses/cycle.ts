// Cycle consistency (GANs N' Roses, section 3, after CycleGAN).

import type { Tensor } from '@tensorflow/tfjs-core';
import { l1Distance, l2Distance } from './reconstruction.js';

/**
 * Cycle consistency: an image that is translated there and back, in a style of its own domain, should be itself again.
 * `l2` is the paper's form (branch main), `l1` that of the released training code (branch train). Images `[n, h, w, 3]`.
 */
export function cycleLoss(form: 'l2' | 'l1', returned: Tensor, original: Tensor): Tensor {
  return form === 'l2' ? l2Distance(returned, original) : l1Distance(returned, original);
}
