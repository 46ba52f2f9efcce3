// The programs of a captured run: steps with and without R1, and translations of its samples.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { inputSpecs as batchSpecs, unflattenBatch } from '../gan/batch.js';
import {
  flattenState,
  type StateVector,
  stateLayout,
  type TranslatingWeights,
  translatingVectors,
  unflattenState,
} from '../gan/state.js';
import { hasFirstMoments, namedByPart, type StepContext, trainStep } from '../gan/step.js';
import { mapScalars, stepScalars } from '../gan/step-scalars.js';
import type { LossTerms } from '../losses/total.js';
import { reshape } from '../ops/arithmetic.js';
import { concat } from '../ops/shape.js';
import type { Program, TensorSpec } from '../runtime/capture/capture.js';
import { type TranslationProgram, translationPrograms } from '../translate/translation-programs.js';

/** Prefix of the variables with the weights of LPIPS, which are too large to be constants of the graph. */
export const PERCEPTUAL_PREFIX = 'lpips/';
/** Batch sizes of translation. Samples are few and rare, and a batch of one needs the least memory. */
export const TRANSLATE_BATCHES: readonly number[] = [1];
/** The sets of translation programs; that of the raw weights uses the variables that steps change. */
export const PROGRAM_SETS: Readonly<Record<TranslatingWeights, string>> = { ema: '', raw: 'raw' };

/** The steps without and with R1. */
export type StepProgram = 'plain' | 'withR1';

/** The arguments of `capture`, with the layout of the state and the names of terms. */
export interface TrainingPrograms {
  programs: Record<StepProgram | TranslationProgram, Program>;
  variables: Record<string, TensorSpec>;
  /** The variables that hold the training state. */
  layout: readonly StateVector[];
  /** Names of the terms that a step returns; filled in when its program is recorded. */
  termNames: Record<StepProgram, string[]>;
}

/** @param context its perceptual network needs only shapes: `params` may be empty. */
export function trainingPrograms(context: StepContext): TrainingPrograms {
  const { config, networks, perceptual } = context;
  const layout = stateLayout(networks, hasFirstMoments(config));
  const variables: Record<string, TensorSpec> = {};
  for (const { name, size } of layout) variables[name] = { shape: [size], dtype: 'float32' };
  for (const [name, { shape }] of Object.entries(perceptual?.lpips.specs ?? {}))
    variables[PERCEPTUAL_PREFIX + name] = { shape, dtype: 'float32' };
  const termNames: Record<StepProgram, string[]> = { plain: [], withR1: [] };
  const step = (kind: StepProgram) =>
    stepProgram(context, layout, kind === 'withR1', (names) => {
      termNames[kind] = names;
    });
  const programs = {
    plain: step('plain'),
    withR1: step('withR1'),
    ...translation(context, 'ema'),
    ...(config.log.sampleRaw && translation(context, 'raw')),
  };
  return { programs, variables, layout, termNames };
}

function translation(
  { config, networks }: StepContext,
  weights: TranslatingWeights,
): Record<TranslationProgram, Program> {
  const programs = translationPrograms(
    config.model,
    networks.generator,
    TRANSLATE_BATCHES,
    (tensors, network) =>
      networks.generators.parameters(translatingVectors(unflattenState(tensors), weights))[network]!,
    PROGRAM_SETS[weights],
  );
  // Samples and evaluations measure the weights, not the arithmetic of the steps.
  const inFloat32 = Object.entries<Program>(programs).map(([name, program]) => [
    name,
    { ...program, precision: {} },
  ]);
  return Object.fromEntries(inFloat32) as Record<TranslationProgram, Program>;
}

function stepProgram(
  context: StepContext,
  layout: readonly StateVector[],
  withR1: boolean,
  onTerms: (names: string[]) => void,
): Program {
  return {
    inputs: inputSpecs(context.config),
    run: (variables, inputs) => {
      const state = Object.fromEntries(layout.map(({ name }) => [name, variables[name]!]));
      const scalars = mapScalars(stepScalars(context, 0), (_, name) => inputs[name]!);
      const result = trainStep(
        {
          ...context,
          ...(context.perceptual && { perceptual: perceptualVariables(context.perceptual, variables) }),
        },
        unflattenState(state),
        unflattenBatch(inputs),
        scalars,
        withR1,
      );
      const terms = namedByPart(result);
      onTerms(Object.keys(terms));
      return { outputs: { terms: joinTerms(terms) }, assign: flattenState(result.state) };
    },
  };
}

function inputSpecs(config: Config): Record<string, TensorSpec> {
  const specs: Record<string, TensorSpec> = batchSpecs(config);
  for (const name of Object.keys(stepScalars({ config }, 0))) specs[name] = { shape: [], dtype: 'float32' };
  return specs;
}

/** Joins the terms in one vector, so that a step returns one tensor. */
function joinTerms(terms: LossTerms): Tensor {
  return concat(
    Object.values(terms).map((term) => reshape(term, [1])),
    0,
  );
}

function perceptualVariables(
  { lpips }: NonNullable<StepContext['perceptual']>,
  variables: Readonly<Record<string, Tensor>>,
): NonNullable<StepContext['perceptual']> {
  const names = Object.keys(lpips.specs);
  return {
    lpips,
    params: Object.fromEntries(names.map((name) => [name, variables[PERCEPTUAL_PREFIX + name]!])),
  };
}
