// Names and sums of loss terms.

import type { Tensor } from '@tensorflow/tfjs-core';
import { addN } from '../ops/arithmetic.js';

/** Loss terms by name: scalars, already weighted. */
export type LossTerms = Record<string, Tensor>;

/** The loss: the sum of its terms. */
export function totalLoss(terms: LossTerms): Tensor {
  return addN(Object.values(terms));
}
