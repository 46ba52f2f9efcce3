import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { StepBatch } from './generator-step.js';
import { type AdamScalars, adamScalars } from './optimizer.js';
import { hasR1, learningRateAt } from './schedule.js';
import {
  disposeState,
  downloadState,
  stateTensors,
  type TrainState,
  type TrainStateValues,
  uploadState,
} from './state.js';
import { optimizerBetas, type StepContext, type StepScalars, trainStep } from './step.js';

/** A step's inputs on the host: pictures `[n, size, size, 3]` in [-1, 1], style codes, row numbers. */
export type HostBatch = {
  [K in keyof StepBatch]: K extends `pick${string}` | `order${string}` ? Int32Array : Float32Array;
};

/** Weighted loss terms by name; `discriminators/` and `generators/` sum to each side's loss. */
export type TermValues = Record<string, number>;

/** Adam's scalars of both sides for a step counted from 0. */
export function stepScalars({ config }: StepContext, step: number): Record<keyof StepScalars, AdamScalars> {
  const betas = optimizerBetas(config);
  const rate = learningRateAt(step, config.training);
  return {
    generators: adamScalars(rate, betas.generators, step + 1),
    discriminators: adamScalars(rate, betas.discriminators, step + 1),
  };
}

/** A batch on the device; belongs to the caller's `tf.tidy`. */
export function uploadBatch(batch: HostBatch, { config }: StepContext): StepBatch {
  const { size, latentDim } = config.model;
  const upload = (values: Float32Array | Int32Array): Tensor => {
    if (values instanceof Int32Array) return tf.tensor1d(values, 'int32');
    const count = batch.pickA2B.length;
    return values.length === count * latentDim
      ? tf.tensor2d(values, [count, latentDim])
      : tf.tensor4d(values, [count, size, size, 3]);
  };
  return Object.fromEntries(
    Object.entries(batch).map(([name, values]) => [name, upload(values)]),
  ) as unknown as StepBatch;
}

/** Adam's scalars on the device; they belong to the caller's `tf.tidy`. */
export function uploadScalars(values: Record<keyof StepScalars, AdamScalars>): StepScalars {
  const upload = ({ stepSize, rootCorrection }: AdamScalars) => ({
    stepSize: tf.scalar(stepSize),
    rootCorrection: tf.scalar(rootCorrection),
  });
  return { generators: upload(values.generators), discriminators: upload(values.discriminators) };
}

function readTerms(prefix: string, terms: Record<string, Tensor>): [string, number][] {
  return Object.entries(terms).map(([name, term]) => [`${prefix}/${name}`, term.dataSync()[0]!]);
}

/** Holds the training state on the device and takes steps, kernel by kernel. */
export class Trainer {
  readonly context: StepContext;
  private state: TrainState;

  constructor(context: StepContext, initial: TrainStateValues) {
    this.context = context;
    this.state = uploadState(context.networks, initial, optimizerBetas(context.config).generators.first > 0);
  }

  /** Takes the step of this index (from 0) and gives its loss terms. Leaves no tensors behind but the new state. */
  step(batch: HostBatch, index: number): TermValues {
    const { context, state: old } = this;
    const values = stepScalars(context, index);
    const withR1 = hasR1(index, context.config.training);
    let next: TrainState = old;
    let terms: TermValues = {};
    tf.tidy(() => {
      const result = trainStep(context, old, uploadBatch(batch, context), uploadScalars(values), withR1);
      terms = Object.fromEntries([
        ...readTerms('discriminators', result.discriminatorTerms),
        ...readTerms('generators', result.generatorTerms),
      ]);
      next = result.state;
      for (const tensor of stateTensors(next)) tf.keep(tensor);
    });
    this.state = next;
    disposeState(old);
    return terms;
  }

  /** The whole training state, on the host. */
  read(): Required<TrainStateValues> {
    return downloadState(this.context.networks, this.state);
  }

  /** Frees the state and the constants of the networks' groups. */
  dispose(): void {
    disposeState(this.state);
    this.context.networks.generators.dispose();
    this.context.networks.discriminators.dispose();
  }
}
