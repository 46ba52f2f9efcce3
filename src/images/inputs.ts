// Collects the images that files, folders and standard input name.
import { stat } from 'node:fs/promises';
import { basename, extname, relative, sep } from 'node:path';
import { InputError } from '../base/errors.js';
import { uniqueName } from '../base/unique-name.js';
import { listImages } from '../data/folder.js';
import type { InputImage } from '../data/image-arrays.js';

/** The path for which the command line accepts `-`. */
const STANDARD_INPUT = '/dev/stdin';

function stem(path: string): string {
  const withoutExtension = path.slice(0, path.length - extname(path).length);
  return withoutExtension.split(sep).join('-');
}

/**
 * Lists the images of files and folders (searched recursively), in order, each with a unique name: duplicate names get a
 * number.
 *
 * @param readStandardInput returns the bytes of the image at /dev/stdin, which may be a pipe that cannot be opened by path.
 *   Without it, /dev/stdin is a path like any other.
 * @throws InputError for a path that does not exist, a folder without images, and standard input named twice.
 */
export async function collectInputs(
  paths: readonly string[],
  readStandardInput?: () => Promise<Uint8Array>,
): Promise<InputImage[]> {
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
    const info = await stat(path).catch(() => undefined);
    if (info === undefined)
      throw new InputError({
        expected: `an image or folder at ${path}`,
        found: 'nothing',
        remedy: 'check the path',
      });
    if (!info.isDirectory()) {
      inputs.push({ file: path, name: stem(basename(path)) });
      continue;
    }
    const files = await listImages(path);
    if (files.length === 0)
      throw new InputError({
        expected: `an image in ${path}`,
        found: 'none',
        remedy: 'put .jpg, .png, .webp or .avif files there',
      });
    for (const file of files) inputs.push({ file, name: stem(relative(path, file)) });
  }
  const taken = new Set<string>();
  for (const input of inputs) input.name = uniqueName(input.name, taken);
  return inputs;
}
