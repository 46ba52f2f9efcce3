// Style reconstruction: a translation should encode to the style code that it was decoded with.

import type { Tensor } from '@tensorflow/tfjs-core';
import { defineLoss, weight } from './loss.js';
import { l2Distance } from './reconstruction.js';

/** Mean squared difference of the style codes `[n, latentDim]` of translations, encoded again, and those they were made with. */
export function styleReconstructionLoss(recovered: Tensor, original: Tensor): Tensor {
  return l2Distance(recovered, original);
}

/** A translation should encode to the style code that it was decoded with. */
export const styleReconstruction = defineLoss({
  config: weight(
    'Weight of the style reconstruction loss: recovering a random style from its image.',
  ).default(5),
  inputs: ['recoveredStyle', 'style'],
  trainsDecoder: true,
  term: ({ recoveredStyle, style }) => styleReconstructionLoss(recoveredStyle, style),
});
