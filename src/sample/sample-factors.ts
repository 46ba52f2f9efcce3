// The factors of inputs that come from a sample dataset, for the evaluation.
import { relative, sep } from 'node:path';
import type { Content } from './factors.js';
import { readFactorsIfAny } from './factors-file.js';

/** The contents of an evaluation's images. */
export interface SampleFactors {
  /** Those of the inputs; undefined for inputs without an entry. */
  contents: readonly (Content | undefined)[];
  /** The inputs without an entry, by their paths from the root of the dataset. */
  unknown: readonly string[];
  /** That of any file of the dataset; undefined for other files. */
  contentOf(file: string): Content | undefined;
  /** SHA-256 of factors.json. */
  sha256: string;
}

/**
 * Reads the factors of inputs from a sample dataset.
 *
 * @param inputs paths below `root`.
 * @returns undefined if the folder is not a sample dataset, or none of the inputs is among its images.
 * @throws InputError for damaged factors.
 */
export async function readSampleFactors(
  root: string,
  inputs: readonly string[],
): Promise<SampleFactors | undefined> {
  const read = await readFactorsIfAny(root);
  if (read === undefined) return undefined;
  const { factors, sha256 } = read;
  const nameOf = (file: string) => relative(root, file).split(sep).join('/');
  const contentOf = (file: string) => factors.images[nameOf(file)]?.content;
  const contents = inputs.map(contentOf);
  const unknown = inputs.map(nameOf).filter((_, i) => contents[i] === undefined);
  if (inputs.length > 0 && unknown.length === inputs.length) return undefined;
  return { contents, unknown, contentOf, sha256 };
}
