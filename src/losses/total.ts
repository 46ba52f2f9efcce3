// Weights, names and sums of loss terms.

import type { Tensor } from '@tensorflow/tfjs-core';
import { addN, scale } from '../ops/arithmetic.js';

/** Loss terms by name: scalars, already weighted. */
export type LossTerms = Record<string, Tensor>;

/** A loss term times its weight from the config; `undefined` for weight 0, which computes nothing. */
export function weighted(weight: number, term: () => Tensor): Tensor | undefined {
  return weight === 0 ? undefined : scale(term(), weight);
}

/** Drops the terms that are undefined. */
export function namedTerms(terms: Record<string, Tensor | undefined>): LossTerms {
  return Object.fromEntries(
    Object.entries(terms).filter((entry): entry is [string, Tensor] => entry[1] !== undefined),
  );
}

/** The loss: the sum of its terms. */
export function totalLoss(terms: LossTerms): Tensor {
  return addN(Object.values(terms));
}
