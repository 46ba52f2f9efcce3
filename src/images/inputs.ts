// Collects the images that files, folders and standard input name.
import { stat } from 'node:fs/promises';
import { basename, extname, relative, sep } from 'node:path';
import { InputError } from '../base/errors.js';
import { exactPath, fsPath, shownPath } from '../base/file-names.js';
import { UniqueNames } from '../base/unique-name.js';
import { countsText, type FileCounts, listImages } from '../data/folder.js';
import type { InputImage } from '../data/image-arrays.js';
import { foldedName, resultStem } from './output-names.js';

/** The path for which the command line accepts `-`. */
const STANDARD_INPUT = '/dev/stdin';

function stem(path: string): string {
  const withoutExtension = path.slice(0, path.length - extname(path).length);
  return resultStem(withoutExtension.split(sep).join('-'));
}

export interface CollectOptions {
  /**
   * Returns the bytes of the image at /dev/stdin, which may be a pipe that cannot be opened by path. Without it, /dev/stdin is a path
   * like any other.
   */
  readStandardInput?: () => Promise<Uint8Array>;
  /** Takes the number of files in a folder that are no images, if there are any. */
  onOtherFiles?: (folder: string, counts: FileCounts) => void;
  /** Returns paths that cannot be used as inputs with their error, as long as others can be used. */
  isTolerant?: boolean;
}

/** Lists the images of one path. @throws InputError if there are none. */
async function imagesAt(given: string, { onOtherFiles }: CollectOptions): Promise<InputImage[]> {
  const path = await exactPath(given);
  const info = await stat(fsPath(path)).catch(() => undefined);
  if (info === undefined)
    throw new InputError({
      expected: `an image or folder at ${shownPath(path)}`,
      found: 'nothing',
      remedy: 'check the path',
    });
  if (!info.isDirectory()) return [{ file: path, name: stem(basename(path)) }];
  let others: FileCounts = {};
  const files = await listImages(path, (counts) => {
    others = counts;
  });
  const hasOthers = Object.keys(others).length > 0;
  if (files.length === 0)
    throw new InputError({
      expected: `an image in ${shownPath(path)}`,
      found: hasOthers ? `none (other files: ${countsText(others)})` : 'none',
      remedy: 'put .jpg, .png, .webp or .avif files there',
    });
  if (hasOthers) onOtherFiles?.(path, others);
  return files.map((file) => ({ file, name: stem(relative(path, file)) }));
}

/**
 * Lists the images of files and folders (searched recursively), in order, each with a name that is unique on disks that ignore case
 * too: duplicate names get a number.
 *
 * @throws InputError for a path that does not exist, a folder without images, and standard input named twice.
 */
export async function collectInputs(
  paths: readonly string[],
  options: CollectOptions = {},
): Promise<InputImage[]> {
  const { readStandardInput, isTolerant = false } = options;
  const inputs: InputImage[] = [];
  if (readStandardInput && paths.filter((path) => path === STANDARD_INPUT).length > 1)
    throw new InputError({
      expected: 'standard input (-) at most once',
      found: 'it several times',
      remedy: 'name it once: it holds one image',
    });
  for (const path of paths) {
    if (readStandardInput && path === STANDARD_INPUT) {
      inputs.push({ file: 'standard input', name: 'stdin', bytes: await readStandardInput() });
      continue;
    }
    try {
      for (const image of await imagesAt(path, options)) inputs.push(image);
    } catch (error) {
      if (!isTolerant || !(error instanceof InputError)) throw error;
      inputs.push({ file: path, name: stem(basename(path)), error });
    }
  }
  const errors = inputs.map(({ error }) => error);
  if (errors[0] !== undefined && errors.every((error) => error !== undefined)) throw errors[0];
  const names = new UniqueNames(foldedName);
  for (const input of inputs) input.name = names.take(input.name);
  return inputs;
}
