// What follows from the step alone: learning rate, Adam's second beta, R1's weight, the decay of the averaged weights.

import type { Config, TrainingConfig } from '../config/schema.js';
import type { AdamBetas } from './adam.js';

/** Shortest half-life of the averaged weights, steps: in the first step they become the weights (StyleGAN2-ADA has images). */
const MIN_HALF_LIFE = 1e-8;

/** StyleGAN2-ADA's weight of R1 for each pixel, at a batch of 1 (train.py, `spec.gamma`). */
const R1_PER_PIXEL = 0.0002;

/**
 * A value that goes from `first` in step 0 along half a cosine to `last`, and stays there (R3GAN, Huang et al. 2024,
 * training_loop.py, `cosine_decay_with_warmup`).
 */
function alongCosine(step: number, first: number, last: number, { cosine, steps }: TrainingConfig): number {
  const done = Math.min(1, step / (cosine.steps ?? steps));
  return last + ((first - last) * (1 + Math.cos(Math.PI * done))) / 2;
}

/**
 * True if the step, counted from 0, belongs to the initialization phase: the generators learn to reproduce images before they
 * learn to translate (CartoonGAN, Chen et al. 2018, section 3.3).
 */
export function isInitialization(step: number, { initialization }: TrainingConfig): boolean {
  return step < initialization.steps;
}

/**
 * The learning rate of a step, counted from 0: that of the initialization phase in its steps; otherwise it is `learningRate` and is
 * multiplied by `decayFactor` every `decayEverySteps` (torch's StepLR) or follows the cosine. In both, it rises linearly over the
 * first `warmUpSteps`.
 */
export function learningRateAt(step: number, training: TrainingConfig): number {
  const { learningRate, decayEverySteps, decayFactor, warmUpSteps, initialization, cosine } = training;
  const rise = Math.min(1, (step + 1) / (warmUpSteps + 1));
  if (isInitialization(step, training)) return initialization.learningRate * rise;
  const decay =
    cosine.learningRateFactor === null
      ? decayFactor ** Math.floor(step / decayEverySteps)
      : alongCosine(step, 1, cosine.learningRateFactor, training);
  return learningRate * rise * decay;
}

/** Adam's betas of a step, counted from 0. */
export function betasAt(step: number, training: TrainingConfig): AdamBetas {
  const [first, second] = training.betas;
  const last = training.cosine.beta2;
  return { first, second: last === null ? second : alongCosine(step, second, last, training) };
}

/** True if the step, counted from 0, carries the lazy R1 penalty. */
export function hasR1(step: number, { r1Weight, r1EverySteps }: TrainingConfig): boolean {
  return r1Weight !== 0 && step % r1EverySteps === 0;
}

/**
 * R1's weight at the start of a run. `auto` gives R1 the strength of StyleGAN2-ADA's heuristic, 0.0002 size^2 / batch.
 * There, the gradient is that of an image's own logit; here it is that of the mean over the batch (`r1Penalty`), whose
 * square is smaller by the square of the batch, so the weight is larger by it.
 *
 * @param ranks number of ranks over whose batches the mean runs.
 */
export function r1WeightOf({ model, training }: Config, ranks = 1): number {
  const { r1Weight, batch } = training;
  return r1Weight === 'auto' ? R1_PER_PIXEL * model.size ** 2 * batch * ranks : r1Weight;
}

/** Factor on R1's weight in a step, counted from 0. */
export function r1FactorAt(step: number, training: TrainingConfig): number {
  const { r1Factor } = training.cosine;
  return r1Factor === null ? 1 : alongCosine(step, 1, r1Factor, training);
}

/**
 * Decay of the averaged weights in a step, counted from 0. With `emaRampUp` their half-life is at most that share of what
 * was seen (StyleGAN2-ADA, Karras et al. 2020, training_loop.py, `ema_beta`): there
 * `0.5^(batch / max(min(halfLife, images * rampUp), 1e-8))`, with the half-life in images; in steps, the batch cancels.
 */
export function emaDecayAt(step: number, { emaDecay, emaRampUp }: TrainingConfig): number {
  if (emaRampUp === null) return emaDecay;
  const halfLife = Math.min(Math.log(0.5) / Math.log(emaDecay), step * emaRampUp);
  return 0.5 ** (1 / Math.max(halfLife, MIN_HALF_LIFE));
}
