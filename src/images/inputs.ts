import { stat } from 'node:fs/promises';
import { basename, extname, relative, sep } from 'node:path';
import { InputError } from '../base/errors.js';
import { uniqueName } from '../base/unique-name.js';
import { listImages } from '../data/folder.js';
import type { InputImage } from '../data/image-arrays.js';

/** Its path, which the command line makes of a lone `-`. */
const STANDARD_INPUT = '/dev/stdin';

function stem(path: string): string {
  const withoutExtension = path.slice(0, path.length - extname(path).length);
  return withoutExtension.split(sep).join('-');
}

/**
 * The images that files and folders (searched through) name, in order, each with a name of its own: two of one name
 * get a number.
 *
 * @param readStandardInput gives the bytes of the image that /dev/stdin stands for, which may be a pipe that cannot be
 *   opened; without it, that is a path as any other.
 * @throws InputError for a path that does not exist, a folder without images, and standard input named twice.
 */
export async function collectInputs(
  paths: readonly string[],
  readStandardInput?: () => Promise<Uint8Array>,
): Promise<InputImage[]> {
  const found: InputImage[] = [];
  if (readStandardInput && paths.filter((path) => path === STANDARD_INPUT).length > 1)
    throw new InputError({
      expected: 'standard input (-) once at most',
      found: 'it several times',
      remedy: 'name it once: it holds one image',
    });
  for (const path of paths) {
    if (readStandardInput && path === STANDARD_INPUT) {
      found.push({ file: 'standard input', name: 'stdin', bytes: await readStandardInput() });
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
      found.push({ file: path, name: stem(basename(path)) });
      continue;
    }
    const files = await listImages(path);
    if (files.length === 0)
      throw new InputError({
        expected: `an image in ${path}`,
        found: 'none',
        remedy: 'put .jpg, .png, .webp or .avif files there',
      });
    for (const file of files) found.push({ file, name: stem(relative(path, file)) });
  }
  const taken = new Set<string>();
  for (const input of found) input.name = uniqueName(input.name, taken);
  return found;
}
