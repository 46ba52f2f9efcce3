// The factors of inputs that come from a sample dataset, for the evaluation.
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Content } from './factors.js';
import { FACTORS_FILE, readFactors } from './factors-file.js';

/** The contents of an evaluation's images. */
export interface SampleFactors {
  /** Those of the inputs. */
  contents: readonly Content[];
  /** That of any file of the dataset; undefined for other files. */
  contentOf(file: string): Content | undefined;
}

/**
 * Reads the factors of inputs from a sample dataset.
 *
 * @param inputs paths below `root`.
 * @returns undefined if the folder is not a sample dataset, or some inputs are not among its images.
 * @throws InputError for damaged factors.
 */
export async function readSampleFactors(
  root: string,
  inputs: readonly string[],
): Promise<SampleFactors | undefined> {
  const isThere = await stat(join(root, FACTORS_FILE)).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const factors = await readFactors(root);
  const contentOf = (file: string) => factors.images[relative(root, file).split(sep).join('/')]?.content;
  const contents = inputs.map(contentOf).filter((content) => content !== undefined);
  return contents.length < inputs.length ? undefined : { contents, contentOf };
}
