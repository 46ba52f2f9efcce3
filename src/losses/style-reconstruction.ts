// Style reconstruction: a translation should encode to the style code that it was decoded with.

import type { Tensor } from '@tensorflow/tfjs-core';
import { l2Distance } from './reconstruction.js';

/** Mean squared difference of the style codes `[n, latentDim]` of translations, encoded again, and those they were made with. */
export function styleReconstructionLoss(recovered: Tensor, original: Tensor): Tensor {
  return l2Distance(recovered, original);
}
