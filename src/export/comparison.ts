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

/** Largest differences that an export may have: of the image range for pictures, of the largest number for codes. */
export const BOUNDS = { float32: 1e-4, float16: 2e-2 } as const;
export type Precision = keyof typeof BOUNDS;

/** Pictures that every export is compared on. */
const MAX_PICTURES = 4;
const SEED = 1;
/** Width of [-1, 1]. */
const IMAGE_RANGE = 2;

/** What translations of an export and of its source are compared on. */
export interface ComparisonInputs {
  count: number;
  /** `[count, size, size, 3]` in [-1, 1], of each domain. */
  pictures: Readonly<Record<'A' | 'B', Float32Array>>;
  /** `[count, latentDim]`. */
  styles: Float32Array;
  /** What they are, for cards: "4 drawn portraits". */
  told: string;
}

/** One thing that was compared. */
export interface Comparison {
  what: string;
  /** The largest, over the image range for pictures and over the largest number for codes. */
  difference: number;
  bound: number;
}

async function readFolder(folder: string, size: number): Promise<Float32Array[]> {
  const files = (await listImages(folder)).slice(0, MAX_PICTURES);
  if (files.length === 0)
    throw new InputError({
      expected: `a picture to compare on in ${folder}`,
      found: 'none',
      remedy: 'put .jpg, .png, .webp or .avif files there, or leave --compare out',
    });
  return Promise.all(files.map(async (file) => toFloat(await decodeImage(file, { size }))));
}

async function drawPortraits(domain: 'A' | 'B', size: number): Promise<Float32Array> {
  const pictures: Float32Array[] = [];
  for (let i = 0; i < MAX_PICTURES; i++) {
    const factors = sampleFactors(SEED, `test${domain}`, `test${domain}/${i}`, 'vivid');
    pictures.push(toFloat(await decodeImage(await rasterise(factors, size), { size })));
  }
  return joinFloats(pictures);
}

/**
 * The first pictures of a folder, or where none is given drawn portraits of both domains; with seeded styles.
 *
 * @throws InputError for a folder without pictures, and a picture that cannot be read.
 */
export async function comparisonInputs(
  { size, latentDim }: Architecture,
  folder?: string,
): Promise<ComparisonInputs> {
  const styled = (count: number) => drawStyles(new Rng(SEED, 'styles of the comparison'), count, latentDim);
  if (folder !== undefined) {
    const pictures = await readFolder(folder, size);
    const joined = joinFloats(pictures);
    const count = pictures.length;
    const told = count === 1 ? 'a picture' : `${count} pictures`;
    return { count, pictures: { A: joined, B: joined }, styles: styled(count), told };
  }
  const pictures = { A: await drawPortraits('A', size), B: await drawPortraits('B', size) };
  const told = `${MAX_PICTURES} drawn portraits of each domain`;
  return { count: MAX_PICTURES, pictures, styles: styled(MAX_PICTURES), told };
}

/** A translator kernel by kernel, over those generators that are there. The engine has to be loaded. */
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

/** Infinite where the lengths differ, or a number is none. */
function maxDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** Largest difference of pictures in [-1, 1], over the width of that range. */
export function pictureDifference(actual: Float32Array, expected: Float32Array): number {
  return maxDifference(actual, expected) / IMAGE_RANGE;
}

/** Largest difference of codes, over the largest magnitude that is expected. */
export function codeDifference(actual: Float32Array, expected: Float32Array): number {
  const magnitude = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const difference = maxDifference(actual, expected);
  return magnitude === 0 ? difference : difference / magnitude;
}

/** Translates with the weights that were read back, and with those that were exported, in every direction that is there. */
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
          const pictures = inputs.pictures[direction === 'A2B' ? 'A' : 'B'];
          return [direction, translator.translate(direction, pictures, inputs.styles)];
        }),
      );
    } finally {
      translator.dispose();
    }
  };
  const [actual, expected] = [translate(exported), translate(source)];
  return [...expected].map(([direction, pictures]) => ({
    what: `translations ${direction}`,
    difference: pictureDifference(actual.get(direction)!, pictures),
    bound: BOUNDS[precision],
  }));
}

/** A difference for people: few digits. */
export function formatDifference(difference: number): string {
  return difference === 0 ? '0' : difference.toPrecision(2);
}

/** @throws RunError that names the first thing which differs by more than its bound. */
export function checkDifferences(comparisons: readonly Comparison[], out: string): void {
  for (const { what, difference, bound } of comparisons) {
    if (difference <= bound) continue;
    const found = Number.isFinite(difference)
      ? `${what} differ by ${formatDifference(difference)}, more than ${bound}. ${bound === BOUNDS.float16 ? 'Export with --precision float32' : 'This is a defect of the export; report it'}`
      : `${what} hold numbers that are not finite. Export a checkpoint from before the training diverged`;
    throw new RunError(`${out} was not written: read back and compared with the checkpoint, ${found}.`);
  }
}
