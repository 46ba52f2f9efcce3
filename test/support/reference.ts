// Tensors and figures of the reference implementation.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { fromTorchLayout, type TorchTensor } from '../../src/checkpoint/torch-layout.js';
import { type Config, configSchema } from '../../src/config/schema.js';
import type { ParameterSpecs, ParameterValues } from '../../src/model/parameters.js';
import { type Inception, inceptionPaths } from '../../src/perceptual/inception.js';

/** The folder with the figures of the reference implementation. */
export const REFERENCE_DIR =
  process.env.GNR_REFERENCE_DIR ?? join(import.meta.dirname, '../fixtures/reference');

interface RawTensor {
  shape: number[];
  data: Float32Array | Float64Array | Int32Array;
}

/** Reads all tensors of a safetensors file, independently of the project's reader, which it helps to test. */
export function readTensors(file: string): Map<string, RawTensor> {
  const bytes = readFileSync(join(REFERENCE_DIR, file));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, RawTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = entry.data_offsets;
    const copy = new Uint8Array(bytes.subarray(8 + headerBytes + from, 8 + headerBytes + to)).buffer;
    const arrays: Record<string, typeof Int32Array | typeof Float32Array | typeof Float64Array> = {
      I32: Int32Array,
      F32: Float32Array,
      F64: Float64Array,
    };
    const data = new arrays[entry.dtype]!(copy);
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(REFERENCE_DIR, file), 'utf8')) as T;
}

export interface ReferenceConfig {
  variant: 'main' | 'train';
  size: number;
  numDown: number;
  latentDim: number;
  nMlp: number;
  nRes: number;
  styleDim: number;
  latentDiscriminatorWidth: number;
  channels: Record<string, number>;
  batch: number;
  steps: number;
  dRegEvery: number;
  lrStep: number;
  lpips: boolean;
  lrMlp: number;
  learningRate: number;
  r1: number;
  emaDecay: number;
}

/** Our config for a reference run: the losses are the variant's own. */
export function configOf(reference: ReferenceConfig): Config {
  const train = reference.variant === 'train';
  return configSchema.parse({
    model: {
      variant: reference.variant,
      size: reference.size,
      numDown: reference.numDown,
      latentDim: reference.latentDim,
      styleDim: reference.styleDim,
      mappingLayers: reference.nMlp,
      mappingRate: reference.lrMlp,
      residualBlocks: reference.nRes,
      latentDiscriminatorWidth: reference.latentDiscriminatorWidth,
      channels: reference.channels,
      ...(train && { discriminatorLocalSize: 16, discriminatorGlobalSize: 4 }),
    },
    training: {
      batch: reference.batch,
      steps: reference.steps,
      learningRate: reference.learningRate,
      decayEverySteps: reference.lrStep,
      r1Weight: reference.r1,
      r1EverySteps: reference.dRegEvery,
      emaDecay: reference.emaDecay,
    },
    losses: {
      lpips: reference.lpips ? { weight: 10, weights: 'given by the test' } : { weight: 0 },
      ...(train && {
        styleConsistency: { form: 'cosine', weight: 50 },
        cycle: { form: 'l1', weight: 20 },
        styleReconstruction: 0,
        identity: 10,
      }),
    },
  });
}

/** A run of the reference: its config, loss rows and tensors. */
export class ReferenceRun {
  readonly config: ReferenceConfig;
  readonly steps: Record<string, number>[];
  private readonly tensors: Map<string, RawTensor>;

  constructor(variant: string) {
    const json = readJson<{ config: ReferenceConfig; steps: Record<string, number>[] }>(
      `training-${variant}.json`,
    );
    this.config = json.config;
    this.steps = json.steps;
    this.tensors = readTensors(`training-${variant}.safetensors`);
  }

  raw(name: string): RawTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Error(`the reference has no '${name}'`);
    return tensor;
  }

  /** A tensor in our layout: NCHW becomes NHWC, and indices become int32. */
  tensor(name: string): tf.Tensor {
    const { shape, data } = this.raw(name);
    if (data instanceof Int32Array) return tf.tensor(data, shape, 'int32');
    const tensor = tf.tensor(data, shape);
    return shape.length === 4 ? tf.tidy(() => tf.transpose(tensor, [0, 2, 3, 1])) : tensor;
  }

  /** A network's parameters under a prefix such as `init/G_A2B`, in our layout. */
  parameters(prefix: string, specs: ParameterSpecs, options = { withGain: true }): ParameterValues {
    return fromTorchLayout(specs, (path) => this.raw(`${prefix}/${path}`) as TorchTensor, options);
  }
}

/** The largest difference over the largest magnitude of `expected`. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  if (actual.length !== expected.length || Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
  return magnitude === 0 ? difference : difference / magnitude;
}

/** Weights by the formula of the reference figures' README ("Weights from a formula"). */
export function formulaTensor(seed: number, shape: number[], scale: number, shift: number): Float32Array {
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < out.length; i++) {
    const a = (seed + Math.imul(i + 1, 0x6d2b79f5)) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    const u = ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    out[i] = scale * (2 * u - 1) + shift;
  }
  return out;
}

const TRUNK_SEEDS = { vgg: 11, alex: 17 };

/** LPIPS parameters by the formula, in our layout. */
export function formulaLpips(net: 'vgg' | 'alex', specs: ParameterSpecs): ParameterValues {
  const keys = readJson<Record<string, string[]>>('metrics.json')[`lpips_${net}_keys`]!;
  return fromTorchLayout(specs, (path) => {
    const { shape } = specs[path]!;
    const linear = /^lin(\d)\.weight$/.exec(path);
    if (linear) {
      const torchShape = [1, shape[2]!, 1, 1];
      return { shape: torchShape, data: formulaTensor(23 + Number(linear[1]), torchShape, 0.05, 0.05) };
    }
    const seed = (TRUNK_SEEDS[net] * 1_000_003 + keys.indexOf(path) * 7919) >>> 0;
    if (shape.length === 1) return { shape, data: formulaTensor(seed, shape, 0.1, 0) };
    const torchShape = [shape[3]!, shape[2]!, shape[0]!, shape[1]!];
    const fanIn = torchShape.slice(1).reduce((a, b) => a * b, 1);
    return { shape: torchShape, data: formulaTensor(seed, torchShape, Math.sqrt(6 / fanIn), 0) };
  });
}

/** A `state_dict` of Inception by the formula; the reference's figures are of module seed 41. */
export function formulaInception(inception: Inception, moduleSeed: number): Map<string, TorchTensor> {
  const keys = readJson<{ inception_keys: string[] }>('metrics.json').inception_keys;
  const tensors = inceptionPaths(inception).flatMap((path) => {
    const [height, width, inChannels, outChannels] = inception.specs[`${path}.weight`]!.shape;
    const vectors = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => [
      `${path}.bn.${name}`,
      [outChannels!],
    ]);
    return [[`${path}.conv.weight`, [outChannels!, inChannels!, height!, width!]], ...vectors] as [
      string,
      number[],
    ][];
  });
  return new Map(
    tensors.map(([key, shape]) => {
      const seed = (moduleSeed * 1_000_003 + keys.indexOf(key) * 7919) >>> 0;
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      const isPositive = key.endsWith('.bn.weight') || key.endsWith('.running_var');
      const [scale, shift] = shape.length > 1 ? [Math.sqrt(6 / fanIn), 0] : isPositive ? [0.5, 1] : [0.1, 0];
      return [key, { shape, data: formulaTensor(seed, shape, scale!, shift!) }];
    }),
  );
}
