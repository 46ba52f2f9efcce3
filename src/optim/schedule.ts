import type { TrainingConfig } from '../config/schema.js';

/**
 * Learning rate of a step counted from 0: multiplied by `decayFactor` every `decayEverySteps` (torch's StepLR), and
 * rising in equal parts over the first `warmUpSteps`.
 */
export function learningRateAt(
  step: number,
  { learningRate, decayEverySteps, decayFactor, warmUpSteps }: TrainingConfig,
): number {
  const rise = Math.min(1, (step + 1) / (warmUpSteps + 1));
  return learningRate * rise * decayFactor ** Math.floor(step / decayEverySteps);
}

/** Whether the step, counted from 0, carries the lazy R1 penalty. */
export function hasR1(step: number, { r1Weight, r1EverySteps }: TrainingConfig): boolean {
  return r1Weight > 0 && step % r1EverySteps === 0;
}
