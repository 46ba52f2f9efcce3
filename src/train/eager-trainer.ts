// The trainer that runs each step kernel by kernel.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { flattenBatch, type HostBatch, inputSpecs, type StepBatch, unflattenBatch } from '../gan/batch.js';
import {
  type FlatState,
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
} from '../gan/state.js';
import { hasFirstMoments, namedByPart, type StepContext, trainStep } from '../gan/step.js';
import { mapScalars, type StepScalars, stepScalars } from '../gan/step-scalars.js';
import { hasR1 } from '../optim/schedule.js';
import { EagerTranslator } from '../translate/eager-translator.js';
import type { Translator } from '../translate/translator.js';
import type { TermValues, Trainer } from './trainer.js';

/** Uploads a batch to the device; the tensors belong to the caller's `tf.tidy`. */
export function uploadBatch(batch: HostBatch, { config }: StepContext): StepBatch {
  const values = flattenBatch<Float32Array | Int32Array>(batch);
  const tensors: Record<string, Tensor> = {};
  for (const [name, { shape, dtype }] of Object.entries(inputSpecs(config)))
    tensors[name] = tf.tensor(values[name]!, shape, dtype);
  return unflattenBatch(tensors);
}

/** Uploads the numbers of a step to the device; they belong to the caller's `tf.tidy`. */
export function uploadScalars(values: StepScalars<number>): StepScalars {
  return mapScalars(values, (value) => tf.scalar(value));
}

/** Runs steps kernel by kernel: slower than captured, and easy to debug. */
export class EagerTrainer implements Trainer {
  private readonly context: StepContext;
  private readonly layout: readonly StateVector[];
  private state: FlatState<Tensor>;
  private borrowed: { weights: TranslatingWeights; translator: Translator } | undefined;

  constructor(context: StepContext, initial: TrainStateValues) {
    this.context = context;
    this.layout = stateLayout(context.networks, hasFirstMoments(context.config));
    this.state = {};
    for (const [name, vector] of stateVectors(this.layout, initial))
      this.state[name] = tf.keep(tf.tensor1d(vector));
  }

  async step(batch: HostBatch, index: number): Promise<TermValues> {
    const { context, state: old } = this;
    this.releaseTranslator();
    const withR1 = hasR1(index, context.config.training);
    let terms: TermValues = {};
    tf.tidy(() => {
      const scalars = uploadScalars(stepScalars(context, index));
      const result = trainStep(context, unflattenState(old), uploadBatch(batch, context), scalars, withR1);
      terms = Object.fromEntries(
        Object.entries(namedByPart(result)).map(([name, term]) => [name, term.dataSync()[0]!]),
      );
      this.state = flattenState(result.state);
      for (const tensor of Object.values(this.state)) tf.keep(tensor);
    });
    // The new state shares the tensors of frozen weights with the old one.
    const kept = new Set(Object.values(this.state));
    tf.dispose(Object.values(old).filter((tensor) => !kept.has(tensor)));
    return terms;
  }

  *read(select: (vector: StateVector) => boolean = () => true): Generator<StateParameter> {
    for (const vector of this.layout.filter(select))
      yield* parametersIn(vector, this.state[vector.name]!.dataSync<'float32'>());
  }

  translator(weights: TranslatingWeights): Translator {
    const { config, networks } = this.context;
    if (this.borrowed?.weights === weights) return this.borrowed.translator;
    this.releaseTranslator();
    const translator = new EagerTranslator(config.model, () =>
      networks.generators.parameters(translatingVectors(unflattenState(this.state), weights)),
    );
    this.borrowed = { weights, translator };
    return translator;
  }

  dispose(): void {
    this.releaseTranslator();
    tf.dispose(Object.values(this.state));
    this.context.networks.generators.dispose();
    this.context.networks.discriminators.dispose();
  }

  private releaseTranslator(): void {
    this.borrowed?.translator.dispose();
    this.borrowed = undefined;
  }
}
