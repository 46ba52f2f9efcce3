// The adversarial loss of the encoders: encoded style codes should look like drawn ones.
import { generatorLoss } from './adversarial.js';
import { defineLoss, weight } from './loss.js';

/** Encoded style codes should look like drawn ones. */
export const latentAdversarial = defineLoss({
  config: weight('Weight of the adversarial loss on style codes.').default(2),
  inputs: ['styleLogits'],
  trainsDecoder: false,
  inInitialization: true,
  term: ({ styleLogits }) => generatorLoss(styleLogits),
});
