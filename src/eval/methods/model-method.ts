// A trained model as a method.
import { Rng } from '../../base/rng.js';
import { type DecodedImage, decodeImage, toFloat } from '../../data/decode.js';
import { joinFloats, splitImages } from '../../data/image-arrays.js';
import { isOwn, WHOLE } from '../../distributed/share.js';
import { type Direction, drawStyles, type Translator } from '../../translate/translator.js';
import { type MeasuredImage, memoryImage } from '../measured-image.js';
import type { Protocol } from '../protocol.js';
import { BATCH, type Method, type OutputGroup } from './method.js';

/** Provides the styles of an input, which depend only on the seed. */
export interface StyleSource {
  /** Returns `count` style codes, `[count, latentDim]`. */
  stylesOf(input: number, count: number, seed: number): Float32Array;
}

/** Styles drawn as in training, scaled towards the mean style by `truncation` (1 leaves them unchanged). */
function randomStyleSource(latentDim: number, truncation: number): StyleSource {
  return {
    stylesOf: (input, count, seed) =>
      drawStyles(new Rng(seed, 'evaluation').fork(String(input)), count, latentDim).map(
        (value) => value * truncation,
      ),
  };
}

/**
 * Styles of images of the target domain, drawn with replacement.
 *
 * @throws InputError for an image that cannot be read.
 */
async function referenceStyleSource(
  translator: Translator,
  direction: Direction,
  references: readonly string[],
  truncation: number,
): Promise<StyleSource> {
  const { size, latentDim } = translator.architecture;
  const codes: Float32Array[] = [];
  for (let from = 0; from < references.length; from += BATCH) {
    const files = references.slice(from, from + BATCH);
    const images = await Promise.all(files.map(async (file) => toFloat(await decodeImage(file, { size }))));
    codes.push(translator.styleOf(direction, joinFloats(images)));
  }
  const all = joinFloats(codes);
  return {
    stylesOf(input, count, seed) {
      const rng = new Rng(seed, 'references').fork(String(input));
      const styles = new Float32Array(count * latentDim);
      for (let i = 0; i < count; i++) {
        const row = rng.integer(references.length);
        styles.set(all.subarray(row * latentDim, (row + 1) * latentDim), i * latentDim);
      }
      return styles.map((value) => value * truncation);
    },
  };
}

/**
 * Returns the styles of a protocol.
 *
 * @param references files of the target domain, for a protocol with reference styles.
 * @throws InputError for an image that cannot be read.
 */
export async function styleSourceOf(
  { direction, styles }: Pick<Protocol, 'direction' | 'styles'>,
  translator: Translator,
  references: readonly string[],
): Promise<StyleSource> {
  const { source, truncation } = styles;
  if (source === 'random') return randomStyleSource(translator.architecture.latentDim, truncation);
  return referenceStyleSource(translator, direction, references, truncation);
}

export interface ModelMethodOptions {
  name: string;
  translator: Translator;
  direction: Direction;
  /** Files of the source domain. */
  inputs: readonly string[];
  styles: StyleSource;
  perInput: number;
}

/** A trained model. Every input gets `perInput` styles of its own. Images are rounded to 8 bits, as in files. */
export function modelMethod(options: ModelMethodOptions): Method {
  const { name, translator, direction, inputs, styles, perInput } = options;
  const { size, latentDim } = translator.architecture;
  const read = (files: readonly string[]): Promise<DecodedImage[]> =>
    Promise.all(files.map((file) => decodeImage(file, { size })));

  async function* groups(seed: number, share = WHOLE): AsyncGenerator<OutputGroup[]> {
    const own = Array.from({ length: Math.ceil(inputs.length / BATCH) }, (_, batch) => batch * BATCH).filter(
      (_, batch) => isOwn(share, batch),
    );
    const readBatch = (from = inputs.length) => read(inputs.slice(from, from + BATCH));
    let ahead = readBatch(own[0]);
    for (const [i, from] of own.entries()) {
      const sources = await ahead;
      ahead = readBatch(own[i + 1]);
      // An error is thrown when the promise is awaited.
      ahead.catch(() => undefined);
      const content = translator.encode(direction, joinFloats(sources.map(toFloat)));
      const codes = sources.map((_, j) => styles.stylesOf(from + j, perInput, seed));
      const outputs = sources.map((): MeasuredImage[] => []);
      for (let k = 0; k < perInput; k++) {
        const row = codes.map((code) => code.subarray(k * latentDim, (k + 1) * latentDim));
        const images = splitImages(translator.decode(content, joinFloats(row)), size);
        for (const [j, image] of images.entries())
          outputs[j]!.push(memoryImage(`${name} of ${inputs[from + j]} in style ${k + 1}`, image));
      }
      yield sources.map((source, j) => ({ input: from + j, source, outputs: outputs[j]! }));
    }
  }

  async function* outputsOf(input: number, count: number, seed: number): AsyncGenerator<MeasuredImage[]> {
    const [source] = await read([inputs[input]!]);
    const { codes } = translator.encode(direction, toFloat(source!));
    const all = styles.stylesOf(input, count, seed);
    for (let from = 0; from < count; from += BATCH) {
      const batch = Math.min(BATCH, count - from);
      const content = {
        direction,
        count: batch,
        codes: joinFloats(Array<Float32Array>(batch).fill(codes)),
      };
      const rows = all.subarray(from * latentDim, (from + batch) * latentDim);
      const images = splitImages(translator.decode(content, rows), size);
      yield images.map((image, i) => memoryImage(`${name}, style ${from + i + 1}`, image));
    }
  }

  return {
    name,
    kind: 'model',
    inputs: inputs.length,
    outputsPerInput: perInput,
    outputs: inputs.length * perInput,
    isRandom: true,
    firstSize: async () => ({ width: size, height: size }),
    groups,
    outputsOf,
    model: { translator, direction, readInputs: (places) => read(places.map((i) => inputs[i]!)) },
  };
}
