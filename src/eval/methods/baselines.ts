import { type DecodedImage, decodeImage } from '../../data/decode.js';
import { Rng } from '../../runtime/rng.js';
import { fileImage, type MeasuredImage, madeImage } from '../pictures.js';
import type { Method, OutputGroup } from './method.js';

export const BASELINES = ['identity', 'colour-transfer', 'random-target', 'real-split'] as const;
export type BaselineName = (typeof BASELINES)[number];

const BATCH = 8;

export interface BaselineOptions {
  /** Files of the source domain. */
  inputs: readonly string[];
  /** Files of the target domain that the evaluation compares with. */
  real: readonly string[];
  /** Files of the target domain that it does not compare with; empty where there are none. */
  otherReal: readonly string[];
  perInput: number;
  /** Side of the pictures, px; those of a model are as large. Undefined: as the files are. */
  size?: number;
}

function read(file: string, size: number | undefined): Promise<DecodedImage> {
  return decodeImage(file, size === undefined ? {} : { size });
}

async function* byInput(
  inputs: readonly string[],
  size: number | undefined,
  outputsOf: (source: DecodedImage, input: number) => Promise<MeasuredImage[]>,
): AsyncGenerator<OutputGroup[]> {
  for (let from = 0; from < inputs.length; from += BATCH)
    yield await Promise.all(
      inputs.slice(from, from + BATCH).map(async (file, i) => {
        const source = await read(file, size);
        return { input: from + i, source, outputs: await outputsOf(source, from + i) };
      }),
    );
}

/** The inputs themselves: what a method is worth that does nothing. Every "style" is the same picture. */
function identity({ inputs, perInput, size }: BaselineOptions): Method {
  return {
    name: 'identity',
    kind: 'baseline',
    inputs: inputs.length,
    outputsPerInput: perInput,
    isRandom: false,
    groups: () =>
      byInput(inputs, size, (source, input) => {
        const picture = madeImage(`identity of ${inputs[input]}`, source);
        return Promise.resolve(Array<MeasuredImage>(perInput).fill(picture));
      }),
  };
}

interface Moments {
  mean: number;
  deviation: number;
}

function channelMoments({ data }: DecodedImage): Moments[] {
  const count = data.length / 3;
  return [0, 1, 2].map((channel) => {
    let [sum, squares] = [0, 0];
    for (let i = channel; i < data.length; i += 3) sum += data[i]!;
    const mean = sum / count;
    for (let i = channel; i < data.length; i += 3) squares += (data[i]! - mean) ** 2;
    return { mean, deviation: Math.sqrt(squares / count) };
  });
}

/**
 * Gives a picture the mean and deviation of each channel of another one (after Reinhard et al. 2001, in RGB).
 *
 * @returns a picture as large as `source`.
 */
export function transferColours(source: DecodedImage, target: DecodedImage): DecodedImage {
  const [from, to] = [channelMoments(source), channelMoments(target)];
  const data = new Uint8ClampedArray(source.data.length);
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [from[i % 3]!, to[i % 3]!];
    const scale = a.deviation > 0 ? b.deviation / a.deviation : 0;
    data[i] = (source.data[i]! - a.mean) * scale + b.mean;
  }
  return { ...source, data: new Uint8Array(data.buffer) };
}

/** The inputs in the colours of random pictures of the target domain, a style each. */
function colourTransfer(options: BaselineOptions): Method {
  const { inputs, perInput, size } = options;
  const pool = targetPool(options);
  return {
    name: 'colour-transfer',
    kind: 'baseline',
    inputs: inputs.length,
    outputsPerInput: perInput,
    isRandom: true,
    groups: (seed) =>
      byInput(inputs, size, async (source, input) => {
        const rng = new Rng(seed, 'colour-transfer').fork(String(input));
        const targets = Array.from({ length: perInput }, () => rng.pick(pool));
        const pictures = await Promise.all(targets.map((file) => read(file, size)));
        return pictures.map((target, k) =>
          madeImage(`${inputs[input]} in colours of ${targets[k]}`, transferColours(source, target)),
        );
      }),
  };
}

function targetPool({ real, otherReal }: BaselineOptions): readonly string[] {
  return otherReal.length > 0 ? otherReal : real;
}

/** Random pictures of the target domain in place of translations: the best pictures there are, and nothing of the input. */
function randomTarget(options: BaselineOptions): Method {
  const { inputs, perInput, size } = options;
  const pool = targetPool(options);
  return {
    name: 'random-target',
    kind: 'baseline',
    inputs: inputs.length,
    outputsPerInput: perInput,
    isRandom: true,
    groups: (seed) => {
      const order = new Rng(seed, 'random-target').permutation(pool.length);
      return byInput(inputs, size, (_, input) =>
        Promise.all(
          Array.from({ length: perInput }, async (__, k) => {
            const file = pool[order[(input * perInput + k) % pool.length]!]!;
            return size === undefined ? fileImage(file) : madeImage(file, await read(file, size));
          }),
        ),
      );
    },
  };
}

/** One half of the real pictures against the other: what is left of a distance where there is no difference. */
function realSplit({ real }: BaselineOptions): Method {
  const order = new Rng(0, 'real-split').permutation(real.length);
  const shuffled = [...order].map((i) => real[i]!);
  const half = Math.floor(real.length / 2);
  const outputs = shuffled.slice(0, half).map(fileImage);
  return {
    name: 'real-split',
    kind: 'baseline',
    inputs: half,
    outputsPerInput: 1,
    isRandom: false,
    real: shuffled.slice(half).map(fileImage),
    async *groups() {
      for (let from = 0; from < half; from += BATCH)
        yield outputs.slice(from, from + BATCH).map((output, i) => ({ input: from + i, outputs: [output] }));
    },
  };
}

/** Why a baseline cannot be made of what there is; undefined where it can. */
export function baselineProblem(name: BaselineName, options: BaselineOptions): string | undefined {
  if (name === 'real-split') return options.real.length < 4 ? 'fewer than 4 real pictures' : undefined;
  return options.inputs.length === 0 ? 'no inputs are named' : undefined;
}

/** A baseline that needs no training. @throws RangeError where `baselineProblem` has something to say. */
export function baselineMethod(name: BaselineName, options: BaselineOptions): Method {
  const problem = baselineProblem(name, options);
  if (problem !== undefined) throw new RangeError(`no baseline ${name}: ${problem}`);
  const make = {
    identity,
    'colour-transfer': colourTransfer,
    'random-target': randomTarget,
    'real-split': realSplit,
  };
  return make[name](options);
}
