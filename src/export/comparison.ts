// Compares translations by an export, read back, with those by its source.
import * as tf from '@tensorflow/tfjs-core';
import { InputError, RunError } from '../base/errors.js';
import { Rng } from '../base/rng.js';
import { decodeImage, toFloat } from '../data/decode.js';
import { listImages } from '../data/folder.js';
import { joinFloats } from '../data/image-arrays.js';
import type { Architecture } from '../model/architecture.js';
import type { NetworkValues } from '../model/parameters.js';
import { sampleFactors } from '../sample/draw.js';
import { rasterise } from '../sample/raster.js';
import { EagerTranslator } from '../translate/eager-translator.js';
import { type Direction, drawStyles, NETWORK_OF, type Translator } from '../translate/translator.js';
import type { Comparison } from './export-options.js';

/** The largest differences that an export may have: parts of the image range for images, of the largest number for codes. */
export const BOUNDS = { float32: 1e-4, float16: 2e-2 } as const;
export type Precision = keyof typeof BOUNDS;

/** Every export is compared on so many images. */
const MAX_IMAGES = 4;
const SEED = 1;
/** Width of [-1, 1]. */
const IMAGE_RANGE = 2;

/** The inputs on which translations by an export and by its source are compared. */
export interface ComparisonInputs {
  count: number;
  /** `[count, size, size, 3]` in [-1, 1], of each domain. */
  images: Readonly<Record<'A' | 'B', Float32Array>>;
  /** `[count, latentDim]`. */
  styles: Float32Array;
  /** The images in words, for cards: "4 drawn portraits of each domain". */
  description: string;
}

async function readFolder(folder: string, size: number): Promise<Float32Array[]> {
  const files = (await listImages(folder)).slice(0, MAX_IMAGES);
  if (files.length === 0)
    throw new InputError({
      expected: `an image to compare on in ${folder}`,
      found: 'none',
      remedy: 'put .jpg, .png, .webp or .avif files there, or omit --compare',
    });
  return Promise.all(files.map(async (file) => toFloat(await decodeImage(file, { size }))));
}

async function drawPortraits(domain: 'A' | 'B', size: number): Promise<Float32Array> {
  const images: Float32Array[] = [];
  for (let i = 0; i < MAX_IMAGES; i++) {
    const factors = sampleFactors(SEED, `test${domain}`, `test${domain}/${i}`, 'vivid');
    images.push(toFloat(await decodeImage(await rasterise(factors, size), { size })));
  }
  return joinFloats(images);
}

/**
 * The first images of a folder, or by default drawn portraits of both domains, with seeded styles.
 *
 * @throws InputError for a folder without images, and an image that cannot be read.
 */
export async function comparisonInputs(
  { size, latentDim }: Architecture,
  folder?: string,
): Promise<ComparisonInputs> {
  const styled = (count: number) => drawStyles(new Rng(SEED, 'styles of the comparison'), count, latentDim);
  if (folder !== undefined) {
    const images = await readFolder(folder, size);
    const joined = joinFloats(images);
    const count = images.length;
    const description = count === 1 ? 'an image' : `${count} images`;
    return { count, images: { A: joined, B: joined }, styles: styled(count), description };
  }
  const images = { A: await drawPortraits('A', size), B: await drawPortraits('B', size) };
  const description = `${MAX_IMAGES} drawn portraits of each domain`;
  return { count: MAX_IMAGES, images, styles: styled(MAX_IMAGES), description };
}

/** An eager translator over the generators that `values` has. The engine has to be loaded. */
export function translatorOf(architecture: Architecture, values: NetworkValues): Translator {
  return new EagerTranslator(architecture, ({ specs }) =>
    Object.fromEntries(
      Object.entries(values).map(([network, tree]) => [
        network,
        Object.fromEntries(
          Object.entries(tree).map(([path, data]) => [path, tf.tensor(data, specs[path]!.shape)]),
        ),
      ]),
    ),
  );
}

/** The largest difference; infinite if the lengths differ or a number is NaN. */
function maxDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** The largest difference of images in [-1, 1], over the width of that range. */
export function imageDifference(actual: Float32Array, expected: Float32Array): number {
  return maxDifference(actual, expected) / IMAGE_RANGE;
}

/** The largest difference of codes, over the largest expected magnitude. */
export function codeDifference(actual: Float32Array, expected: Float32Array): number {
  const magnitude = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const difference = maxDifference(actual, expected);
  return magnitude === 0 ? difference : difference / magnitude;
}

/** Translates with the weights that were read back and with those that were exported, in every direction that `source` has. */
export function compareWeights(
  architecture: Architecture,
  { exported, source }: { exported: NetworkValues; source: NetworkValues },
  inputs: ComparisonInputs,
  precision: Precision,
): Comparison[] {
  const translate = (values: NetworkValues): Map<Direction, Float32Array> => {
    const translator = translatorOf(architecture, values);
    try {
      const directions = (['A2B', 'B2A'] as const).filter((direction) => NETWORK_OF[direction] in source);
      return new Map(
        directions.map((direction) => {
          const images = inputs.images[direction === 'A2B' ? 'A' : 'B'];
          return [direction, translator.translate(direction, images, inputs.styles)];
        }),
      );
    } finally {
      translator.dispose();
    }
  };
  const [actual, expected] = [translate(exported), translate(source)];
  return [...expected].map(([direction, images]) => ({
    what: `translations ${direction}`,
    difference: imageDifference(actual.get(direction)!, images),
    bound: BOUNDS[precision],
  }));
}

/** A difference with two significant digits. */
export function formatDifference(difference: number): string {
  return difference === 0 ? '0' : difference.toPrecision(2);
}

/** @throws RunError that names the first comparison beyond its bound. */
export function checkDifferences(comparisons: readonly Comparison[], out: string): void {
  for (const { what, difference, bound } of comparisons) {
    if (difference <= bound) continue;
    const found = Number.isFinite(difference)
      ? `${what} differ by ${formatDifference(difference)}, more than ${bound}. ${bound === BOUNDS.float16 ? 'Export with --precision float32' : 'This is a defect of the export; report it'}`
      : `${what} hold numbers that are not finite. Export a checkpoint from before training diverged`;
    throw new RunError(`${out} was not written: read back and compared with the checkpoint, ${found}.`);
  }
}
