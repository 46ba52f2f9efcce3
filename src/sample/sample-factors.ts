// The factors of inputs that come from a sample dataset, for the evaluation.
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type MeanFace, meanFace } from './face-measure.js';
import type { Content } from './factors.js';
import { FACTORS_FILE, readFactors } from './factors-file.js';
import { FACE_IMAGES, readFolder } from './sample-evaluation.js';

/** Size of the images for the mean face, px. */
const FACE_SIZE = 64;

/** The contents of an evaluation's inputs, and the mean face that finds faces. */
export interface SampleFactors {
  contents: readonly Content[];
  face: MeanFace;
}

/**
 * Reads the factors of inputs from a sample dataset.
 *
 * @param inputs paths below `root`.
 * @param target training folder of the outputs' domain, whose images give the mean face.
 * @returns undefined if the folder is not a sample dataset, or some inputs are not among its images.
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
