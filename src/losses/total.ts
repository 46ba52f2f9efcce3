import type { Tensor } from '@tensorflow/tfjs-core';
import { addN, scale } from '../ops/arithmetic.js';

/** Named scalars, already weighted. */
export type LossTerms = Record<string, Tensor>;

/** A loss term times its weight from the config; `undefined` where the weight is 0, so that nothing is computed. */
export function weighted(weight: number, term: () => Tensor): Tensor | undefined {
  return weight === 0 ? undefined : scale(term(), weight);
}

/** The terms that are there. */
export function namedTerms(terms: Record<string, Tensor | undefined>): LossTerms {
  return Object.fromEntries(
    Object.entries(terms).filter((entry): entry is [string, Tensor] => entry[1] !== undefined),
  );
}

/** The sum of the named terms, and nothing else. */
export function totalLoss(terms: LossTerms): Tensor {
  return addN(Object.values(terms));
}
