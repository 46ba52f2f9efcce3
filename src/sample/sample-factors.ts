import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type MeanFace, meanFace } from './face-measure.js';
import type { Content } from './factors.js';
import { FACTORS_FILE, readFactors } from './factors-file.js';
import { FACE_IMAGES, readFolder } from './sample-evaluation.js';

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
 * @param target folder of images of the domain that outputs belong to, by which faces are found.
 * @returns undefined for a folder that is no sample dataset, and where inputs are not among its images.
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
  const { images, contents: drawn } = await readFolder(root, factors, target, FACE_SIZE, FACE_IMAGES);
  return { contents: known, face: meanFace(images, drawn) };
}
