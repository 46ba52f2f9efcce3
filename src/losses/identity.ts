// Identity loss: an image of the target domain should stay itself (released training code, branch train).

import type { Tensor } from '@tensorflow/tfjs-core';
import { defineLoss, weight } from './loss.js';
import { l1Distance } from './reconstruction.js';

/** Mean absolute difference of an image of the target domain and itself, encoded and decoded with its own style. */
export function identityLoss(rebuilt: Tensor, original: Tensor): Tensor {
  return l1Distance(rebuilt, original);
}

/** An image of the target domain should stay itself. */
export const identity = defineLoss({
  config: weight('Weight of the identity loss: leaving an image of the target domain unchanged.').default(0),
  inputs: ['rebuilt', 'mixed'],
  trainsDecoder: true,
  inInitialization: true,
  term: ({ rebuilt, mixed }) => identityLoss(rebuilt, mixed),
});
