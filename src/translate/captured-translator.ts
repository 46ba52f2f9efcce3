// Translates with captured graphs: one TensorFlow session call for each part of a translation.
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../base/errors.js';
import type { Architecture } from '../model/architecture.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { GENERATOR_NAMES } from '../model/networks.js';
import type { NetworkValues } from '../model/parameters.js';
import { type ParameterValues, type Params, sizeOf } from '../model/parameters.js';
import {
  type CapturedPrograms,
  capture,
  type Precision,
  type TensorSpec,
} from '../runtime/capture/capture.js';
import { writeChunked } from '../runtime/capture/chunked.js';
import {
  type Part,
  parametersByPrefix,
  programName,
  type TranslationProgram,
  translationPrograms,
} from './translation-programs.js';
import {
  assertStyles,
  type ContentCodes,
  clampImages,
  countImages,
  type Direction,
  disposedError,
  NETWORK_OF,
  reverseOf,
  type Translator,
} from './translator.js';

const BATCH = 8;

interface SharedPrograms {
  /** The set name that `translationPrograms` got. */
  set?: string;
  /** Called once by `dispose`. */
  onDispose?: () => void;
}

export interface CapturedTranslatorOptions extends Precision {
  /** Number of images that are translated together; a remainder is translated one by one. */
  batch?: number;
}

/** Translates with programs that each run as one TensorFlow session call; the session holds the weights. */
export class CapturedTranslator implements Translator {
  readonly architecture: Architecture;
  private readonly programs: CapturedPrograms<TranslationProgram>;
  private readonly batches: readonly number[];
  private readonly set: string;
  private readonly onDispose: () => void;
  private isDisposed = false;

  /**
   * Uses programs that the caller has captured; `CapturedTranslator.fromValues` captures its own.
   *
   * @param programs include those of `translationPrograms`.
   * @param batches the batch sizes of the programs, which include 1.
   */
  constructor(
    architecture: Architecture,
    programs: CapturedPrograms<TranslationProgram>,
    batches: readonly number[],
    { set = '', onDispose = () => undefined }: SharedPrograms = {},
  ) {
    this.architecture = architecture;
    this.programs = programs;
    this.batches = [...batches].sort((a, b) => b - a);
    this.set = set;
    this.onDispose = onDispose;
  }

  /**
   * Captures programs over a copy of the weights.
   *
   * @param values stored weights of `G_A2B` and `G_B2A`, or of one: the other's work then throws InputError.
   * @throws RangeError if the weights do not fit the architecture.
   */
  static fromValues(
    architecture: Architecture,
    values: NetworkValues,
    { batch = BATCH, ...precision }: CapturedTranslatorOptions = {},
  ): CapturedTranslator {
    const generator = buildGenerator(architecture);
    const variables: Record<string, TensorSpec> = {};
    const initial: Record<string, Float32Array> = {};
    const networks = GENERATOR_NAMES.filter((name) => values[name] !== undefined);
    if (networks.length === 0) throw new RangeError('no weights of a generator');
    for (const network of networks)
      for (const [path, { shape, data }] of Object.entries(weightsOf(generator, network, values[network]))) {
        variables[`${network}/${path}`] = { shape, dtype: 'float32' };
        initial[`${network}/${path}`] = data;
      }
    const batches = [...new Set([1, batch])];
    const programs = capture(
      translationPrograms(architecture, generator, batches, parametersByPrefix, '', networks),
      variables,
      precision,
    );
    writeChunked(programs, Object.entries(initial));
    return new CapturedTranslator(architecture, programs, batches, { onDispose: () => programs.dispose() });
  }

  /** Returns the number of graph nodes that run to translate `count` images. */
  kernels(count: number): number {
    let kernels = 0;
    for (const { batch } of this.batchesFor(count))
      for (const part of ['encode', 'decode'] as const)
        kernels += this.programs.kernels[programName(part, 'A2B', batch, this.set)]!;
    return kernels;
  }

  encode(direction: Direction, images: Float32Array): ContentCodes {
    const count = countImages(this.architecture, images);
    return { direction, count, codes: this.run('encode', direction, count, { images }) };
  }

  decode({ direction, count, codes }: ContentCodes, styles: Float32Array): Float32Array {
    assertStyles(this.architecture, count, styles);
    return clampImages(this.run('decode', direction, count, { codes, styles }));
  }

  styleOf(direction: Direction, images: Float32Array): Float32Array {
    return this.run('style', direction, countImages(this.architecture, images), { images });
  }

  translate(direction: Direction, images: Float32Array, styles: Float32Array): Float32Array {
    return this.decode(this.encode(direction, images), styles);
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.onDispose();
  }

  /** Splits `count` images into batches for which there are programs. */
  private batchesFor(count: number): { from: number; batch: number }[] {
    const batches: { from: number; batch: number }[] = [];
    let from = 0;
    for (const batch of this.batches)
      for (; count - from >= batch; from += batch) batches.push({ from, batch });
    return batches;
  }

  private run(
    part: Part,
    direction: Direction,
    count: number,
    inputs: Readonly<Record<string, Float32Array>>,
  ): Float32Array {
    if (this.isDisposed) throw disposedError();
    if (this.programs.kernels[programName(part, direction, 1, this.set)] === undefined)
      throw missingGenerator(part, direction);
    let joined: Float32Array | undefined;
    for (const { from, batch } of this.batchesFor(count)) {
      const rows = Object.entries(inputs).map(([name, values]) => {
        const length = values.length / count;
        return [name, values.subarray(from * length, (from + batch) * length)] as const;
      });
      const program = programName(part, direction, batch, this.set);
      const { result } = this.programs.run(program, Object.fromEntries(rows));
      const values = result as Float32Array;
      if (batch === count) return values;
      joined ??= new Float32Array((values.length / batch) * count);
      joined.set(values, from * (values.length / batch));
    }
    return joined!;
  }
}

function missingGenerator(part: Part, direction: Direction): InputError {
  const network = NETWORK_OF[part === 'style' ? reverseOf(direction) : direction];
  const work =
    part === 'style' ? `styles of images for the direction ${direction}` : `the direction ${direction}`;
  return new InputError({
    expected: `a model with the generator ${network} for ${work}`,
    found: 'one with the other generator alone',
    remedy: `use a model with both, or ${part === 'style' ? 'styles from a seed or from numbers' : 'the other direction'}`,
  });
}

interface Weight {
  shape: number[];
  data: Float32Array;
}

/** Returns a network's weights and everything derived from them alone, which is computed once instead of per image. */
function weightsOf(
  generator: Generator,
  network: string,
  values: ParameterValues | undefined,
): Record<string, Weight> {
  const weights: Record<string, Weight> = {};
  for (const [path, { shape }] of Object.entries(generator.specs)) {
    const data = values?.[path];
    const size = sizeOf(shape);
    if (data?.length !== size)
      throw new RangeError(`${network}/${path} has ${data?.length ?? 'no'} values but needs ${size}`);
    weights[path] = { shape, data };
  }
  tf.tidy(() => {
    const params: Params = Object.fromEntries(
      Object.entries(weights).map(([path, { shape, data }]) => [path, tf.tensor(data, shape)]),
    );
    for (const [path, tensor] of Object.entries(generator.derive(params)))
      weights[path] ??= { shape: tensor.shape, data: tensor.dataSync<'float32'>() };
  });
  return weights;
}
