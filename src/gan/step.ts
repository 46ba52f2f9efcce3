// One training step of GNR (GANs N' Roses, section 3; the reference's train.py, the body of its loop): both losses, both Adam
// updates and the EMA, as one pure function of tensors. Start reading at `trainStep`.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { type LossTerms, totalLoss } from '../losses/total.js';
import type { Params } from '../model/parameters.js';
import { Tape } from '../ops/autodiff.js';
import { type AdamBetas, type AdamScalarTensors, adamUpdate, emaUpdate } from '../optim/adam.js';
import type { ParameterGroup } from '../optim/parameter-groups.js';
import type { Lpips } from '../perceptual/lpips.js';
import { kernels } from '../runtime/kernels.js';
import type { StepBatch } from './batch.js';
import { discriminatorGradients } from './discriminator-step.js';
import { bothDomains, OTHER } from './domains.js';
import { generatorTerms, translateBatch } from './generator-step.js';
import type { Networks } from './networks.js';
import type { GroupState, TrainState } from './state.js';
import { optimizerBetas, type StepScalars } from './step-scalars.js';

const MEGABYTE = 1e6;

/** The inputs that stay the same in every step of a run. */
export interface StepContext {
  config: Config;
  networks: Networks;
  perceptual?: { lpips: Lpips; params: Params };
  /** Factor on the learning rate that rollbacks have lowered; 1 by default. */
  rateScale?: number;
}

export interface StepResult {
  state: TrainState;
  /** Weighted loss terms; the sum of each side is its loss. */
  generatorTerms: LossTerms;
  discriminatorTerms: LossTerms;
  /** Measures of how the training goes that are no part of a loss. */
  signals: LossTerms;
  /** Gradients with respect to the buckets, averaged over all ranks, for inspection. */
  gradients: { generators: Tensor[]; discriminators: Tensor[] };
}

/** The terms and signals of a step by their names in logs: `discriminators/...`, `generators/...`, `signals/...`. */
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

/** True if Adam stores first moments: with a first beta of 0 they are the gradients themselves. */
export function hasFirstMoments({ training }: Config): boolean {
  return training.betas[0] > 0;
}

/** The scalars of one side. */
function adamScalarsOf(scalars: StepScalars, side: 'generators' | 'discriminators'): AdamScalarTensors {
  return {
    stepSize: scalars[`${side}/stepSize`],
    rootCorrection: scalars[`${side}/rootCorrection`],
    secondShare: scalars[`${side}/secondShare`],
  };
}

/** One Adam update of all parameters of a group. */
function updateGroup(
  group: ParameterGroup,
  state: GroupState,
  gradients: readonly Tensor[],
  betas: AdamBetas,
  scalars: AdamScalarTensors,
): GroupState {
  const next: GroupState = {
    values: [...state.values],
    first: [...state.first],
    second: [...state.second],
  };
  // One bucket after another, in the order in which their gradients come: all buckets at once would hold several copies of
  // all weights in memory.
  let previous: Tensor[] = [];
  for (const i of group.backwardOrder) {
    const first = state.first[i];
    const moments = { second: state.second[i]!, ...(first && { first }) };
    const gradient = kernels().after(gradients[i]!, previous);
    const scales = { gain: group.gainOf(i), step: group.stepScaleOf(i) };
    const updated = adamUpdate(state.values[i]!, gradient, moments, betas, scalars, scales);
    next.values[i] = updated.value;
    next.second[i] = updated.moments.second;
    if (updated.moments.first) next.first[i] = updated.moments.first;
    previous = [updated.value];
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
 * One training step (reference: train.py, the loop's body): translates, updates the discriminators on the translations,
 * updates the generators against the updated discriminators, and averages the generators. A pure function of tensors: it
 * runs inside the `tf.tidy` of the caller, who keeps the new state and reads the terms.
 *
 * @param isR1Step whether the discriminators' loss carries the gradient penalties R1 and R2.
 */
export function trainStep(
  context: StepContext,
  state: TrainState,
  batch: StepBatch,
  scalars: StepScalars,
  isR1Step: boolean,
): StepResult {
  const { config, networks, perceptual } = context;
  const averaged = (group: ParameterGroup, gradients: readonly Tensor[]) =>
    networks.ranks.meanOfGradients(
      group.gradientBuckets(gradients),
      config.distributed.bucketMegabytes * MEGABYTE,
    );
  const betas = optimizerBetas(config, 0);

  // Content and style codes of both domains, and translations both ways.
  const generatorWeights = networks.generators.parameters(state.generators.values);
  const generatorParameters = networks.generators.inOrder(generatorWeights);
  const generatorTape = new Tape(generatorParameters);
  const { generatorParams, translations } = generatorTape.record(() => {
    const derived = mapNetworks(generatorWeights, networks.generator.derive);
    return { generatorParams: derived, translations: translateBatch(networks, derived, batch) };
  });

  // The discriminators learn to tell real images from translations, and drawn style codes from encoded ones.
  const discriminatorStep = discriminatorGradients(
    config,
    networks,
    networks.discriminators.parameters(state.discriminators.values),
    bothDomains((domain) => ({
      real: batch[domain].mixed,
      fake: translations[OTHER[domain]].translated,
      drawn: batch[domain].drawn,
      encoded: translations[OTHER[domain]].mixedStyles,
      transforms: batch[domain],
      anchors: batch[domain].anchors,
    })),
    isR1Step,
    scalars.r1Factor,
  );
  const discriminatorBuckets = averaged(networks.discriminators, discriminatorStep.gradients);
  const discriminators = updateGroup(
    networks.discriminators,
    state.discriminators,
    discriminatorBuckets,
    betas.discriminators,
    adamScalarsOf(scalars, 'discriminators'),
  );

  // The generators learn against the updated discriminators, whose weights are constants to the generators' tape.
  const discriminatorParams = networks.discriminators.parameters(discriminators.values);
  const generatorStep = generatorTape.record(() => {
    const inputs = {
      config,
      networks,
      generatorParams,
      discriminatorParams,
      scalars,
      ...(perceptual && { perceptual }),
    };
    const terms = generatorTerms(inputs, batch, translations);
    return { terms, gradients: generatorTape.gradients(totalLoss(terms), generatorParameters) };
  });
  const generatorBuckets = averaged(networks.generators, generatorStep.gradients);
  const generators = updateGroup(
    networks.generators,
    state.generators,
    generatorBuckets,
    betas.generators,
    adamScalarsOf(scalars, 'generators'),
  );

  // The average of the generators, which translates once training is done.
  const emaShare = scalars.emaShare ?? 1 - config.training.emaDecay;
  const ema = state.ema.map((average, i) => emaUpdate(average, generators.values[i]!, emaShare));
  return {
    state: { generators, discriminators, ema },
    generatorTerms: generatorStep.terms,
    discriminatorTerms: discriminatorStep.terms,
    signals: discriminatorStep.signals,
    gradients: { generators: generatorBuckets, discriminators: discriminatorBuckets },
  };
}
