import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { type LossTerms, totalLoss } from '../losses/total.js';
import type { Params } from '../model/parameters.js';
import { Tape } from '../ops/autodiff.js';
import { type AdamBetas, adamUpdate, emaUpdate, lazyBetas } from '../optim/adam.js';
import type { ParameterGroup } from '../optim/parameter-groups.js';
import type { Lpips } from '../perceptual/lpips.js';
import { kernels } from '../runtime/kernels.js';
import { discriminatorGradients } from './discriminator-step.js';
import { generatorTerms, type StepBatch, translateBatch } from './generator-step.js';
import type { Networks } from './networks.js';
import type { GroupState, TrainState } from './state.js';

/** Adam's scalars for each side, as tensors of shape []. */
export interface StepScalars {
  generators: { stepSize: Tensor; rootCorrection: Tensor };
  discriminators: { stepSize: Tensor; rootCorrection: Tensor };
}

/** What is the same in every step of a run. */
export interface StepContext {
  config: Config;
  networks: Networks;
  perceptual?: { lpips: Lpips; params: Params };
  /** Factor on the learning rate, 1 where left out: what rollbacks have made of it. */
  rateScale?: number;
}

export interface StepResult {
  state: TrainState;
  /** Weighted loss terms; each side's sum is its loss. */
  generatorTerms: LossTerms;
  discriminatorTerms: LossTerms;
  /** What else tells how the training goes; no part of a loss. */
  signals: LossTerms;
  /** Gradients with respect to the buckets, for who wants to look. */
  gradients: { generators: Tensor[]; discriminators: Tensor[] };
}

/** What a step tells, by the names that it has in logs: `discriminators/...`, `generators/...`, `signals/...`. */
export function namedByPart(result: Omit<StepResult, 'state' | 'gradients'>): LossTerms {
  const parts = {
    discriminators: result.discriminatorTerms,
    generators: result.generatorTerms,
    signals: result.signals,
  };
  return Object.fromEntries(
    Object.entries(parts).flatMap(([part, terms]) =>
      Object.entries(terms).map(([name, term]) => [`${part}/${name}`, term]),
    ),
  );
}

/** Betas of each side's optimizer. */
export function optimizerBetas({ training }: Config): { generators: AdamBetas; discriminators: AdamBetas } {
  const betas = { first: training.betas[0], second: training.betas[1] };
  return { generators: betas, discriminators: lazyBetas(betas, training.r1EverySteps) };
}

/** Whether Adam keeps first moments: without a decay rate they are the gradients themselves. */
export function hasFirstMoments(config: Config): boolean {
  return optimizerBetas(config).generators.first > 0;
}

function updateGroup(
  group: ParameterGroup,
  state: GroupState,
  gradients: readonly Tensor[],
  betas: AdamBetas,
  scalars: { stepSize: Tensor; rootCorrection: Tensor },
): GroupState {
  const next: GroupState = {
    values: [...state.values],
    first: [...state.first],
    second: [...state.second],
  };
  // One bucket after another, from the last layers, whose gradients come first: all at once would hold several copies
  // of all weights.
  let before: Tensor[] = [];
  for (let i = group.trainedBuckets - 1; i >= 0; i--) {
    const first = state.first[i];
    const moments = { second: state.second[i]!, ...(first && { first }) };
    const gradient = kernels().after(gradients[i]!, before);
    const scales = { gain: group.gainOf(i), step: group.stepScaleOf(i) };
    const updated = adamUpdate(state.values[i]!, gradient, moments, betas, scalars, scales);
    next.values[i] = updated.value;
    next.second[i] = updated.moments.second;
    if (updated.moments.first) next.first[i] = updated.moments.first;
    before = [updated.value];
  }
  return next;
}

function mapNetworks(
  networks: Record<string, Params>,
  fn: (params: Params) => Params,
): Record<string, Params> {
  return Object.fromEntries(Object.entries(networks).map(([name, params]) => [name, fn(params)]));
}

/**
 * One training step (reference: train.py, the loop's body): translate, update the discriminators on the translations,
 * then update the generators against the updated discriminators, then average. A pure function of tensors: runs inside
 * the caller's `tf.tidy`, who keeps the new state and reads the terms.
 *
 * @param withR1 whether the discriminators' loss carries the gradient penalty.
 */
export function trainStep(
  context: StepContext,
  state: TrainState,
  batch: StepBatch,
  scalars: StepScalars,
  withR1: boolean,
): StepResult {
  const { config, networks, perceptual } = context;
  const betas = optimizerBetas(config);
  const weights = networks.generators.parameters(state.generators.values);
  const parameters = networks.generators.inOrder(weights);
  const tape = new Tape(parameters);
  const { params, made } = tape.record(() => {
    const derived = mapNetworks(weights, networks.generator.derive);
    return { params: derived, made: translateBatch(networks, derived, batch) };
  });

  const judged = discriminatorGradients(
    config,
    networks,
    networks.discriminators.parameters(state.discriminators.values),
    {
      realA: batch.mixedA,
      realB: batch.mixedB,
      fakeA: made.fakeA,
      fakeB: made.fakeB,
      drawnA2B: batch.drawnA2B,
      drawnB2A: batch.drawnB2A,
      encodedA2B: made.B.encoded,
      encodedB2A: made.A.encoded,
      transforms: batch,
    },
    withR1,
  );
  const discriminatorBuckets = networks.discriminators.gradientBuckets(judged.gradients);
  const discriminators = updateGroup(
    networks.discriminators,
    state.discriminators,
    discriminatorBuckets,
    betas.discriminators,
    scalars.discriminators,
  );

  const judges = networks.discriminators.parameters(discriminators.values);
  const { terms, gradients } = tape.record(() => {
    const inputs = { config, networks, params, judges, ...(perceptual && { perceptual }) };
    const weightedTerms = generatorTerms(inputs, batch, made);
    return { terms: weightedTerms, gradients: tape.gradients(totalLoss(weightedTerms), parameters) };
  });
  const generatorBuckets = networks.generators.gradientBuckets(gradients);
  const generators = updateGroup(
    networks.generators,
    state.generators,
    generatorBuckets,
    betas.generators,
    scalars.generators,
  );
  const ema = state.ema.map((average, i) =>
    emaUpdate(average, generators.values[i]!, config.training.emaDecay),
  );
  return {
    state: { generators, discriminators, ema },
    generatorTerms: terms,
    discriminatorTerms: judged.terms,
    signals: judged.signals,
    gradients: { generators: generatorBuckets, discriminators: discriminatorBuckets },
  };
}
