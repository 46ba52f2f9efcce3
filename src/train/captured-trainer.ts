// The trainer that runs each step as one TensorFlow session call.
import { flattenBatch, type HostBatch } from '../gan/batch.js';
import {
  parametersIn,
  type StateParameter,
  type StateVector,
  stateVectors,
  type TrainStateValues,
  type TranslatingWeights,
} from '../gan/state.js';
import type { StepContext } from '../gan/step.js';
import { stepScalars } from '../gan/step-scalars.js';
import { hasR1 } from '../optim/schedule.js';
import { type CapturedPrograms, capture, type HostValues } from '../runtime/capture/capture.js';
import { readChunked, writeChunked } from '../runtime/capture/chunked.js';
import { CapturedTranslator } from '../translate/captured-translator.js';
import type { TranslationProgram } from '../translate/translation-programs.js';
import type { Translator } from '../translate/translator.js';
import type { TermValues, Trainer } from './trainer.js';
import {
  PERCEPTUAL_PREFIX,
  PROGRAM_SETS,
  type StepProgram,
  TRANSLATE_BATCHES,
  trainingPrograms,
} from './training-programs.js';

/**
 * Runs each step as one TensorFlow session call. Weights, moments and the EMA live in the session, where the steps with
 * and without R1 share them.
 */
export class CapturedTrainer implements Trainer {
  private readonly context: StepContext;
  private readonly programs: CapturedPrograms<StepProgram | TranslationProgram>;
  private readonly layout: readonly StateVector[];
  private borrowed: { weights: TranslatingWeights; translator: Translator } | undefined;
  private readonly termNames: Record<StepProgram, string[]>;

  constructor(context: StepContext, initial: TrainStateValues) {
    this.context = context;
    const { programs, variables, layout, termNames } = trainingPrograms(context);
    this.layout = layout;
    this.termNames = termNames;
    this.programs = capture(programs, variables, context.config.runtime);
    writeChunked(this.programs, stateVectors(this.layout, initial));
    writeChunked(
      this.programs,
      Object.entries(context.perceptual?.params ?? {}).map(([name, tensor]) => [
        PERCEPTUAL_PREFIX + name,
        tensor.dataSync<'float32'>(),
      ]),
    );
  }

  /** Number of graph nodes that a step without R1 runs. */
  get kernels(): number {
    return this.programs.kernels.plain;
  }

  async step(batch: HostBatch, index: number): Promise<TermValues> {
    const { context } = this;
    this.releaseTranslator();
    const kind = hasR1(index, context.config.training) ? 'withR1' : 'plain';
    const inputs = flattenBatch<HostValues>(batch);
    for (const [name, value] of Object.entries(stepScalars(context, index)))
      inputs[name] = Float32Array.of(value);
    const { terms } = await this.programs.runAsync(kind, inputs);
    return Object.fromEntries(this.termNames[kind].map((name, i) => [name, terms![i]!]));
  }

  *read(select: (vector: StateVector) => boolean = () => true): Generator<StateParameter> {
    const chosen = new Map(this.layout.filter(select).map((vector) => [vector.name, vector]));
    const sizes = [...chosen.values()].map(({ name, size }) => [name, size] as const);
    for (const [name, values] of readChunked(this.programs, sizes))
      yield* parametersIn(chosen.get(name)!, values as Float32Array);
  }

  translator(weights: TranslatingWeights): Translator {
    const { model, log } = this.context.config;
    if (weights === 'raw' && !log.sampleRaw)
      throw new RangeError('a captured run with log.sampleRaw=false translates with the EMA weights only');
    if (this.borrowed?.weights === weights) return this.borrowed.translator;
    this.releaseTranslator();
    const set = PROGRAM_SETS[weights];
    const translator = new CapturedTranslator(model, this.programs, TRANSLATE_BATCHES, { set });
    this.borrowed = { weights, translator };
    return translator;
  }

  dispose(): void {
    this.releaseTranslator();
    this.programs.dispose();
    this.context.networks.generators.dispose();
    this.context.networks.discriminators.dispose();
  }

  private releaseTranslator(): void {
    this.borrowed?.translator.dispose();
    this.borrowed = undefined;
  }
}
