import type { Tensor } from '@tensorflow/tfjs-core';
import { l2Distance } from './reconstruction.js';

/** The style that a picture was made with is found in it again: mean squared difference of codes `[n, latentDim]`. */
export function styleReconstructionLoss(found: Tensor, given: Tensor): Tensor {
  return l2Distance(found, given);
}
