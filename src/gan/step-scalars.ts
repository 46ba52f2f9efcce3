// The numbers of a step that follow from its index alone. The host computes and feeds them, so that a captured step needs no
// counters, and a resumed run goes on with the same ones.

import type { Tensor } from '@tensorflow/tfjs-core';
import { adamStepAt } from '../config/growth.js';
import type { Config } from '../config/schema.js';
import { chosenLosses } from '../losses/chosen.js';
import type { LossName } from '../losses/registry.js';
import { type AdamBetas, adamScalars, lazyBetas } from '../optim/adam.js';
import { betasAt, emaDecayAt, isInitialization, learningRateAt, r1FactorAt } from '../optim/schedule.js';

type Side = 'generators' | 'discriminators';

/** Numbers that every step takes, by name. */
type AlwaysFed = `${Side}/${'stepSize' | 'rootCorrection'}`;

/**
 * Numbers that a step takes if the config makes them change; otherwise they are constants of the step.
 * `secondShare`: one minus Adam's second beta. `emaShare`: one minus the decay of the averaged weights. `r1Factor`: on R1's
 * weight. `losses/NAME`: factor on the weight of a loss.
 */
type SometimesFed = `${Side}/secondShare` | 'emaShare' | 'r1Factor' | `losses/${LossName}`;

/** The numbers of a step by name; on the device, tensors of shape []. */
export type StepScalars<T = Tensor> = Record<AlwaysFed, T> & Partial<Record<SometimesFed, T>>;

/** A run's config, and the factor on the learning rate that rollbacks have lowered (1 by default). */
interface Scheduled {
  config: Config;
  rateScale?: number;
}

/** The learning rate of a step counted from 0. */
export function learningRateOf({ config, rateScale = 1 }: Scheduled, step: number): number {
  return learningRateAt(step, config.training) * rateScale;
}

/** Adam's betas for each optimizer in a step, counted from 0; the discriminators' are those of lazy regularization. */
export function optimizerBetas({ training }: Config, step: number): Record<Side, AdamBetas> {
  const betas = betasAt(step, training);
  return { generators: betas, discriminators: lazyBetas(betas, training.r1EverySteps) };
}

/** The numbers of a step counted from 0. Their names are those of all steps of the config. */
export function stepScalars(context: Scheduled, step: number): StepScalars<number> {
  const { training, losses } = context.config;
  const betas = optimizerBetas(context.config, step);
  const rate = learningRateOf(context, step);
  const adamStep = adamStepAt(step, training);
  const generators = adamScalars(rate, betas.generators, adamStep);
  const discriminators = adamScalars(rate, betas.discriminators, adamStep);
  const scalars: StepScalars<number> = {
    'generators/stepSize': generators.stepSize,
    'generators/rootCorrection': generators.rootCorrection,
    'discriminators/stepSize': discriminators.stepSize,
    'discriminators/rootCorrection': discriminators.rootCorrection,
  };
  if (training.cosine.beta2 !== null) {
    scalars['generators/secondShare'] = 1 - betas.generators.second;
    scalars['discriminators/secondShare'] = 1 - betas.discriminators.second;
  }
  if (training.cosine.r1Factor !== null) scalars.r1Factor = r1FactorAt(step, training);
  if (training.emaRampUp !== null) scalars.emaShare = 1 - emaDecayAt(step, training);
  for (const { name, decaySteps, inInitialization } of chosenLosses(losses)) {
    const waits = training.initialization.steps > 0 && !inInitialization;
    if (decaySteps === null && !waits) continue;
    const decay = decaySteps === null ? 1 : Math.max(0, 1 - step / decaySteps);
    scalars[`losses/${name}`] = waits && isInitialization(step, training) ? 0 : decay;
  }
  return scalars;
}

/** The numbers of a step, each as `fn` makes it. */
export function mapScalars<T, U>(scalars: StepScalars<T>, fn: (value: T, name: string) => U): StepScalars<U> {
  const mapped = Object.entries<T>(scalars).map(([name, value]) => [name, fn(value, name)]);
  return Object.fromEntries(mapped) as StepScalars<U>;
}
