import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { decodeImage, toFloat } from '../data/decode.js';
import type { Content } from '../data/sample/factors.js';
import { FACTORS_FILE, type FactorsFile, readFactors } from '../data/sample/factors-file.js';
import { type MeanFace, meanFace } from './face-measure.js';

/** Pictures of the training folder that the mean face is made from, at most. */
const FACE_PICTURES = 64;
/** Side at which faces are laid on each other, px. */
const FACE_SIZE = 64;

/** What the inputs of an evaluation on the sample dataset were drawn from, and how to find a face. */
export interface SampleFactors {
  contents: readonly Content[];
  face: MeanFace;
}

/**
 * The factors of a sample dataset's inputs.
 *
 * @param inputs paths below `root`.
 * @param target folder of pictures of the domain that outputs belong to, by which faces are found.
 * @returns undefined for a folder that is no sample dataset, and where inputs are not among its pictures.
 * @throws InputError for damaged factors.
 */
export async function readSampleFactors(
  root: string,
  inputs: readonly string[],
  target: 'trainA' | 'trainB',
): Promise<SampleFactors | undefined> {
  const isThere = await stat(join(root, FACTORS_FILE)).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const factors = await readFactors(root);
  const contents = inputs.map((file) => factors.images[relative(root, file).split(sep).join('/')]?.content);
  const known = contents.filter((content) => content !== undefined);
  if (known.length < inputs.length) return undefined;
  return { contents: known, face: await readFace(root, factors, target) };
}

async function readFace(root: string, factors: FactorsFile, target: 'trainA' | 'trainB'): Promise<MeanFace> {
  const names = Object.keys(factors.images)
    .filter((name) => name.startsWith(`${target}/`))
    .sort()
    .slice(0, FACE_PICTURES);
  const pictures = await Promise.all(
    names.map(async (name) => ({
      data: toFloat(await decodeImage(join(root, name), { size: FACE_SIZE })),
      width: FACE_SIZE,
      height: FACE_SIZE,
    })),
  );
  return meanFace(
    pictures,
    names.map((name) => factors.images[name]!.content),
  );
}
