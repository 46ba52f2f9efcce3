import type { Tensor } from '@tensorflow/tfjs-core';
import type { LossTerms } from '../losses/total.js';
import { reshape } from '../ops/arithmetic.js';
import { concat } from '../ops/shape.js';
import {
  type CapturedPrograms,
  capture,
  type HostValues,
  type Program,
  type TensorSpec,
} from '../runtime/capture/capture.js';
import { readInPieces, writeInPieces } from '../runtime/capture/pieces.js';
import { CapturedTranslator } from '../translate/captured-translator.js';
import { type TranslationProgram, translationPrograms } from '../translate/translation-programs.js';
import type { Translator } from '../translate/translator.js';
import type { StepBatch } from './generator-step.js';
import { hasR1 } from './schedule.js';
import {
  flattenState,
  parametersIn,
  type StateParameter,
  type StateVector,
  stateLayout,
  stateVectors,
  type TrainStateValues,
  type TranslatingWeights,
  translatingVectors,
  unflattenState,
} from './state.js';
import { hasFirstMoments, namedByPart, type StepContext, type StepScalars, trainStep } from './step.js';
import { batchShapes, type HostBatch, stepScalars, type TermValues, type Trainer } from './trainer.js';

const PERCEPTUAL = 'lpips/';
/** Samples are few pictures and seldom: one at a time needs least memory beside that of training. */
const TRANSLATE_BATCHES = [1];
/** The sets of translation programs; that of the weights shares the variables that steps change. */
const PROGRAM_SETS: Record<TranslatingWeights, string> = { averages: '', weights: 'raw' };

function inputSpecs(context: StepContext): Record<string, TensorSpec> {
  const specs: Record<string, TensorSpec> = {};
  for (const [name, shape] of Object.entries(batchShapes(context)))
    specs[name] = { shape, dtype: /^(pick|order)/.test(name) ? 'int32' : 'float32' };
  for (const side of ['generators', 'discriminators'])
    for (const name of ['stepSize', 'rootCorrection'])
      specs[`${side}/${name}`] = { shape: [], dtype: 'float32' };
  return specs;
}

/** The named terms as one vector, so that one tensor comes back from a step. */
function joinTerms(terms: LossTerms): Tensor {
  return concat(
    Object.values(terms).map((term) => reshape(term, [1])),
    0,
  );
}

/**
 * Takes steps as one TensorFlow session call each: weights, moments and averages live in the session, the steps with
 * and without R1 share them.
 */
export class CapturedTrainer implements Trainer {
  private readonly context: StepContext;
  private readonly programs: CapturedPrograms<'plain' | 'withR1' | TranslationProgram>;
  private readonly layout: readonly StateVector[];
  private lent: { weights: TranslatingWeights; translator: Translator } | undefined;
  private readonly termNames: Record<'plain' | 'withR1', string[]> = { plain: [], withR1: [] };

  constructor(context: StepContext, initial: TrainStateValues) {
    this.context = context;
    this.layout = stateLayout(context.networks, hasFirstMoments(context.config));
    const variables: Record<string, TensorSpec> = {};
    for (const { name, size } of this.layout) variables[name] = { shape: [size], dtype: 'float32' };
    // LPIPS's weights, too large to be constants of the graph, are variables that no step assigns.
    const perceptual = Object.entries(context.perceptual?.params ?? {});
    for (const [name, tensor] of perceptual)
      variables[PERCEPTUAL + name] = { shape: tensor.shape, dtype: 'float32' };
    const programs = {
      plain: this.program('plain'),
      withR1: this.program('withR1'),
      ...this.translation('averages'),
      ...(context.config.log.sampleRaw && this.translation('weights')),
    };
    this.programs = capture(programs, variables, context.config.runtime);
    writeInPieces(this.programs, stateVectors(this.layout, initial));
    writeInPieces(
      this.programs,
      perceptual.map(([name, tensor]) => [PERCEPTUAL + name, tensor.dataSync<'float32'>()]),
    );
  }

  /** Graph nodes that a step without R1 runs. */
  get kernels(): number {
    return this.programs.kernels.plain;
  }

  async step(batch: HostBatch, index: number): Promise<TermValues> {
    const { context } = this;
    this.takeBack();
    const kind = hasR1(index, context.config.training) ? 'withR1' : 'plain';
    const inputs: Record<string, HostValues> = { ...batch };
    for (const [side, scalars] of Object.entries(stepScalars(context, index)))
      for (const [name, value] of Object.entries(scalars)) inputs[`${side}/${name}`] = Float32Array.of(value);
    const { terms } = await this.programs.runAsync(kind, inputs);
    return Object.fromEntries(this.termNames[kind].map((name, i) => [name, terms![i]!]));
  }

  *read(select: (vector: StateVector) => boolean = () => true): Generator<StateParameter> {
    const chosen = new Map(this.layout.filter(select).map((vector) => [vector.name, vector]));
    const sizes = [...chosen.values()].map(({ name, size }) => [name, size] as const);
    for (const [name, values] of readInPieces(this.programs, sizes))
      yield* parametersIn(chosen.get(name)!, values as Float32Array);
  }

  translator(weights: TranslatingWeights): Translator {
    const { model, log } = this.context.config;
    if (weights === 'weights' && !log.sampleRaw)
      throw new RangeError('a captured run with log.sampleRaw=false translates with averages only');
    if (this.lent?.weights === weights) return this.lent.translator;
    this.takeBack();
    const set = PROGRAM_SETS[weights];
    const translator = new CapturedTranslator(model, this.programs, TRANSLATE_BATCHES, { set });
    this.lent = { weights, translator };
    return translator;
  }

  dispose(): void {
    this.takeBack();
    this.programs.dispose();
    this.context.networks.generators.dispose();
    this.context.networks.discriminators.dispose();
  }

  private takeBack(): void {
    this.lent?.translator.dispose();
    this.lent = undefined;
  }

  private translation(weights: TranslatingWeights): Record<TranslationProgram, Program> {
    const { config, networks } = this.context;
    const programs = translationPrograms(
      config.model,
      networks.generator,
      TRANSLATE_BATCHES,
      (tensors, network) =>
        networks.generators.parameters(translatingVectors(unflattenState(tensors), weights))[network]!,
      PROGRAM_SETS[weights],
    );
    // Samples and evaluations show the weights, not the arithmetic of the steps.
    const inFloat32 = Object.entries<Program>(programs).map(([name, program]) => [
      name,
      { ...program, precision: {} },
    ]);
    return Object.fromEntries(inFloat32) as Record<TranslationProgram, Program>;
  }

  private program(kind: 'plain' | 'withR1'): Program {
    const { context } = this;
    return {
      inputs: inputSpecs(context),
      run: (variables, inputs) => {
        const state = Object.fromEntries(this.layout.map(({ name }) => [name, variables[name]!]));
        const side = (name: string) => ({
          stepSize: inputs[`${name}/stepSize`]!,
          rootCorrection: inputs[`${name}/rootCorrection`]!,
        });
        const scalars: StepScalars = {
          generators: side('generators'),
          discriminators: side('discriminators'),
        };
        const result = trainStep(
          {
            ...context,
            ...(context.perceptual && { perceptual: perceptualVariables(context.perceptual, variables) }),
          },
          unflattenState(state),
          inputs as unknown as StepBatch,
          scalars,
          kind === 'withR1',
        );
        const terms = namedByPart(result);
        this.termNames[kind] = Object.keys(terms);
        return {
          outputs: { terms: joinTerms(terms) },
          assign: flattenState(result.state),
        };
      },
    };
  }
}

function perceptualVariables(
  { lpips, params }: NonNullable<StepContext['perceptual']>,
  variables: Readonly<Record<string, Tensor>>,
): NonNullable<StepContext['perceptual']> {
  const names = Object.keys(params);
  return { lpips, params: Object.fromEntries(names.map((name) => [name, variables[PERCEPTUAL + name]!])) };
}
