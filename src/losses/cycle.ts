import type { Tensor } from '@tensorflow/tfjs-core';
import { l1Distance, l2Distance } from './reconstruction.js';

/**
 * Cycle consistency: a picture translated there and back, in a style of its own domain, is itself again. `l2` is the
 * paper's form (branch main), `l1` the released training code's. Pictures `[n, h, w, 3]`.
 */
export function cycleLoss(form: 'l2' | 'l1', returned: Tensor, original: Tensor): Tensor {
  return form === 'l2' ? l2Distance(returned, original) : l1Distance(returned, original);
}
