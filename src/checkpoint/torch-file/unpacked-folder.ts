// Finds the files of a PyTorch checkpoint that was unpacked into a folder.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, messageOf } from '../../base/errors.js';

const PICKLE = 'data.pkl';

/** A checkpoint whose zip archive was unpacked, as some browsers do with every download. */
export interface UnpackedFolder {
  dir: string;
  /** Names of its files, `data.pkl` and `data/KEY` among them: a key of the pickle is never used as a path. */
  names: ReadonlySet<string>;
}

const namesIn = (dir: string): Promise<string[]> => readdir(dir).catch(() => []);

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** The folder with data.pkl: `dir`, or the only one in it that has one (the archive's own folder). */
async function folderWithPickle(dir: string): Promise<string | undefined> {
  const names = await readdir(dir).catch((error: unknown) => {
    const expected = `an unpacked PyTorch checkpoint in ${dir}`;
    throw new InputError(
      { expected, found: messageOf(error), remedy: 'make the folder readable' },
      { cause: error },
    );
  });
  if (names.includes(PICKLE)) return dir;
  const inside: string[] = [];
  for (const name of names)
    if ((await namesIn(join(dir, name))).includes(PICKLE)) inside.push(join(dir, name));
  return inside.length === 1 ? inside[0] : undefined;
}

/**
 * The unpacked checkpoint that a path means: a folder with data.pkl, the folder around it, or its data.pkl.
 *
 * @returns undefined for another file or for nothing.
 * @throws InputError for a folder without one.
 */
export async function findUnpacked(path: string): Promise<UnpackedFolder | undefined> {
  let dir: string | undefined;
  if (await isDirectory(path)) {
    dir = await folderWithPickle(path);
    if (dir === undefined)
      throw new InputError({
        expected: `a PyTorch checkpoint at ${path}`,
        found: 'a folder without the data.pkl of an unpacked one',
        remedy: 'name the .pt file itself, or the folder that it was unpacked into',
      });
  } else if (basename(path) === PICKLE && (await isDirectory(join(dirname(path), 'data'))))
    dir = dirname(path);
  if (dir === undefined) return undefined;
  const storages = await namesIn(join(dir, 'data'));
  return { dir, names: new Set([...(await namesIn(dir)), ...storages.map((key) => `data/${key}`)]) };
}
