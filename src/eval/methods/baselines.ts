// The baselines: methods that need no training.
import { Rng } from '../../base/rng.js';
import { type DecodedImage, decodeImage } from '../../data/decode.js';
import { isOwn, type Share, WHOLE } from '../../distributed/share.js';
import { fileImage, type MeasuredImage, memoryImage } from '../measured-image.js';
import { BATCH, type Method, type OutputGroup } from './method.js';

/** The baselines, in the order of tables. */
export const BASELINES = ['identity', 'colour-transfer', 'random-target', 'real-split'] as const;
/** Name of a baseline. */
export type BaselineName = (typeof BASELINES)[number];

export interface BaselineOptions {
  /** Files of the source domain. */
  inputs: readonly string[];
  /** Files of the target domain that the evaluation compares with. */
  real: readonly string[];
  /** Other files of the target domain; may be empty. */
  otherReal: readonly string[];
  perInput: number;
  /** Side of the images, px. */
  size: number;
}

const square = (size: number) => async () => ({ width: size, height: size });

async function* byInput(
  inputs: readonly string[],
  size: number,
  share: Share = WHOLE,
  outputsOf: (source: DecodedImage, input: number) => Promise<MeasuredImage[]>,
): AsyncGenerator<OutputGroup[]> {
  for (let from = 0; from < inputs.length; from += BATCH) {
    if (!isOwn(share, from / BATCH)) continue;
    yield await Promise.all(
      inputs.slice(from, from + BATCH).map(async (file, i) => {
        const source = await decodeImage(file, { size });
        return { input: from + i, source, outputs: await outputsOf(source, from + i) };
      }),
    );
  }
}

/** Yields the same image `count` times, in batches. */
async function* copies(image: MeasuredImage, count: number): AsyncGenerator<MeasuredImage[]> {
  for (let from = 0; from < count; from += BATCH)
    yield Array<MeasuredImage>(Math.min(BATCH, count - from)).fill(image);
}

/** The inputs themselves: the score of doing nothing. Every "style" is the same image. */
function identity({ inputs, perInput, size }: BaselineOptions): Method {
  const imageOf = (source: DecodedImage, input: number) =>
    memoryImage(`identity of ${inputs[input]}`, source);
  return {
    name: 'identity',
    kind: 'baseline',
    inputs: inputs.length,
    outputsPerInput: perInput,
    outputs: inputs.length,
    isRandom: false,
    firstSize: square(size),
    groups: (_, share) =>
      byInput(inputs, size, share, async (source, input) =>
        Array<MeasuredImage>(perInput).fill(imageOf(source, input)),
      ),
    async *outputsOf(input, count) {
      yield* copies(imageOf(await decodeImage(inputs[input]!, { size }), input), count);
    },
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
 * Gives an image the mean and deviation of each channel of another one (after Reinhard et al. 2001, in RGB).
 *
 * @returns an image as large as `source`.
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

/** The inputs in the colours of random images of the target domain, one for each style. */
function colourTransfer(options: BaselineOptions): Method {
  const { inputs, otherReal, real, perInput, size } = options;
  const pool = otherReal.length > 0 ? otherReal : real;
  const coloured = (source: DecodedImage, input: number, count: number, rng: Rng): Promise<MeasuredImage[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const file = rng.pick(pool);
        const target = await decodeImage(file, { size });
        return memoryImage(`${inputs[input]} in colours of ${file}`, transferColours(source, target));
      }),
    );
  const rngOf = (seed: number, input: number) => new Rng(seed, 'colour-transfer').fork(String(input));
  return {
    name: 'colour-transfer',
    kind: 'baseline',
    inputs: inputs.length,
    outputsPerInput: perInput,
    outputs: inputs.length,
    isRandom: true,
    firstSize: square(size),
    groups: (seed, share) =>
      byInput(inputs, size, share, (source, input) => coloured(source, input, perInput, rngOf(seed, input))),
    async *outputsOf(input, count, seed) {
      const source = await decodeImage(inputs[input]!, { size });
      const rng = rngOf(seed, input);
      for (let from = 0; from < count; from += BATCH)
        yield await coloured(source, input, Math.min(BATCH, count - from), rng);
    },
  };
}

/**
 * Random images of the target domain in place of translations: perfect images that ignore the input. An image repeats
 * only if there are fewer images than outputs.
 */
function randomTarget({ inputs, otherReal, perInput, size }: BaselineOptions): Method {
  /** Each image is a single object, however often it occurs. */
  const images = new Map<string, MeasuredImage>();
  const imageOf = (file: string): MeasuredImage => {
    const image = images.get(file) ?? { name: file, read: () => decodeImage(file, { size }) };
    images.set(file, image);
    return image;
  };
  const outputsAt = (order: Int32Array, from: number, count: number): MeasuredImage[] =>
    Array.from({ length: count }, (_, k) => imageOf(otherReal[order[(from + k) % order.length]!]!));
  return {
    name: 'random-target',
    kind: 'baseline',
    inputs: inputs.length,
    outputsPerInput: perInput,
    outputs: Math.min(inputs.length * perInput, otherReal.length),
    isRandom: true,
    firstSize: square(size),
    groups(seed, share) {
      const order = new Rng(seed, 'random-target').permutation(otherReal.length);
      return byInput(inputs, size, share, async (_, input) => outputsAt(order, input * perInput, perInput));
    },
    async *outputsOf(input, count, seed) {
      const order = new Rng(seed, 'random-target').fork(String(input)).permutation(otherReal.length);
      for (let from = 0; from < count; from += BATCH)
        yield outputsAt(order, from, Math.min(BATCH, count - from));
    },
  };
}

/** One half of the real images against the other: the distance that remains without any difference. */
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
    outputs: half,
    isRandom: false,
    real: shuffled.slice(half).map(fileImage),
    firstSize: () => outputs[0]!.read(),
    async *groups(_, share = WHOLE) {
      for (let from = 0; from < half; from += BATCH) {
        if (!isOwn(share, from / BATCH)) continue;
        yield outputs.slice(from, from + BATCH).map((output, i) => ({ input: from + i, outputs: [output] }));
      }
    },
  };
}

/** Returns why a baseline cannot be made from these images; undefined if it can. */
export function baselineProblem(name: BaselineName, options: BaselineOptions): string | undefined {
  if (name === 'real-split') return options.real.length < 4 ? 'fewer than 4 real images' : undefined;
  if (options.inputs.length === 0) return 'there are no inputs';
  return name === 'random-target' && options.otherReal.length === 0
    ? 'the target domain has no images other than those that are compared with'
    : undefined;
}

/** Makes a baseline. @throws RangeError if `baselineProblem` returns a problem. */
export function baselineMethod(name: BaselineName, options: BaselineOptions): Method {
  const problem = baselineProblem(name, options);
  if (problem !== undefined) throw new RangeError(`cannot make the baseline ${name}: ${problem}`);
  const make = {
    identity,
    'colour-transfer': colourTransfer,
    'random-target': randomTarget,
    'real-split': realSplit,
  };
  return make[name](options);
}
