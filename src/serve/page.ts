// Reads the built page into memory.
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError, messageOf } from '../base/errors.js';
import { ServedFile } from './served-file.js';

/** The folder into which `npm run build:web` puts the page, in a checkout and in the package. */
export const PAGE_FOLDER = fileURLToPath(new URL('../../dist/web/', import.meta.url));

/**
 * Reads the whole built page into memory (some MB), so that the server serves exactly these files. Links are skipped.
 *
 * @throws InputError if the page is not built.
 */
export async function readPage(folder: string): Promise<ServedFile[]> {
  const missing = (found: string, cause?: unknown) =>
    new InputError(
      { expected: `the built page in ${folder}`, found, remedy: 'run npm run build:web' },
      { cause },
    );
  let names: string[];
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    throw missing(`none (${messageOf(error)})`, error);
  }
  const files = await Promise.all(
    names.map(async (path) => {
      return new ServedFile(relative(folder, path).split(sep).join('/'), [await readFile(path)]);
    }),
  );
  if (!files.some(({ name }) => name === 'index.html')) throw missing('no index.html');
  return files;
}
