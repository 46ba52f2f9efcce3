// Cycle consistency (GANs N' Roses, section 3, after CycleGAN).

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { defineLoss, weight } from './loss.js';
import { l1Distance, l2Distance } from './reconstruction.js';

/**
 * Cycle consistency: an image that is translated there and back, in a style of its own domain, should be itself again.
 * `l2` is the paper's form (branch main), `l1` that of the released training code (branch train). Images `[n, h, w, 3]`.
 */
export function cycleLoss(form: 'l2' | 'l1', returned: Tensor, original: Tensor): Tensor {
  return form === 'l2' ? l2Distance(returned, original) : l1Distance(returned, original);
}

/** An image translated there and back should be itself again, in its pixels. */
export const cycle = defineLoss({
  config: z
    .strictObject({
      form: z
        .enum(['l2', 'l1'])
        .default('l2')
        .describe('Squared (l2) or absolute (l1) difference between pixels.'),
      weight: weight('Weight of the cycle consistency loss on pixels.').default(20),
    })
    .prefault({})
    .describe('Translating an image to the other domain and back reproduces it.'),
  inputs: ['returned', 'same'],
  trainsDecoder: true,
  term: ({ returned, same }, { form }) => cycleLoss(form, returned, same),
});
