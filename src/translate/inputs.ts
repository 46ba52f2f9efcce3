import { stat } from 'node:fs/promises';
import { basename, extname, relative, sep } from 'node:path';
import { listImages } from '../data/folder.js';
import { InputError } from '../errors.js';

/** A picture to translate, and the name that its translations start with. */
export interface InputPicture {
  file: string;
  name: string;
}

function stem(path: string): string {
  const withoutExtension = path.slice(0, path.length - extname(path).length);
  return withoutExtension.split(sep).join('-');
}

/**
 * The pictures that files and folders (searched through) name, in order, each with a name of its own: two of one name
 * get a number.
 *
 * @throws InputError for a path that does not exist and a folder without pictures.
 */
export async function collectInputs(paths: readonly string[]): Promise<InputPicture[]> {
  const found: InputPicture[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (info === undefined)
      throw new InputError({
        expected: `a picture or folder at ${path}`,
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
        expected: `a picture in ${path}`,
        found: 'none',
        remedy: 'put .jpg, .png, .webp or .avif files there',
      });
    for (const file of files) found.push({ file, name: stem(relative(path, file)) });
  }
  const taken = new Set<string>();
  for (const input of found) {
    let { name } = input;
    for (let i = 2; taken.has(name); i++) name = `${input.name}-${i}`;
    taken.add(name);
    input.name = name;
  }
  return found;
}
