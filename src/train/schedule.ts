import type { TrainingConfig } from '../config/schema.js';

/** Learning rate of a step counted from 0: multiplied by `decayFactor` every `decayEverySteps` (torch's StepLR). */
export function learningRateAt(
  step: number,
  { learningRate, decayEverySteps, decayFactor }: TrainingConfig,
): number {
  return learningRate * decayFactor ** Math.floor(step / decayEverySteps);
}

/** Whether the step, counted from 0, carries the lazy R1 penalty. */
export function hasR1(step: number, { r1Weight, r1EverySteps }: TrainingConfig): boolean {
  return r1Weight > 0 && step % r1EverySteps === 0;
}
