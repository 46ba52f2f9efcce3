// The learning rate and the lazy R1 penalty by step.

import type { TrainingConfig } from '../config/schema.js';

/**
 * The learning rate of a step, counted from 0: it rises linearly over the first `warmUpSteps` and is multiplied by
 * `decayFactor` every `decayEverySteps` (torch's StepLR).
 */
export function learningRateAt(
  step: number,
  { learningRate, decayEverySteps, decayFactor, warmUpSteps }: TrainingConfig,
): number {
  const rise = Math.min(1, (step + 1) / (warmUpSteps + 1));
  return learningRate * rise * decayFactor ** Math.floor(step / decayEverySteps);
}

/** True if the step, counted from 0, carries the lazy R1 penalty. */
export function hasR1(step: number, { r1Weight, r1EverySteps }: TrainingConfig): boolean {
  return r1Weight > 0 && step % r1EverySteps === 0;
}
