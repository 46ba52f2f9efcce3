// Finds, makes and checks the cache folder of this user.
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { causeOf, makeFolders } from './atomic-files.js';
import { InputError, messageOf } from './errors.js';
import { notify } from './notices.js';

/** The user's home. @throws InputError in a container whose user has neither HOME nor an entry in /etc/passwd. */
function homeDirectory(): string {
  let home = '';
  try {
    home = os.homedir();
  } catch {
    // Reported below.
  }
  if (path.isAbsolute(home)) return home;
  throw new InputError({
    expected: 'a home folder for the cache of this user',
    found: home === '' ? 'none (HOME is not set, and the system does not know the user)' : home,
    remedy: 'set GNR_CACHE_DIR to a folder that can be written, such as /tmp/gnr-cache',
  });
}

/**
 * The cache folder that this user's checkouts share, for libtensorflow, built addons and metric weights:
 * `GNR_CACHE_DIR`, else `$XDG_CACHE_HOME/gans-n-roses`, else `~/.cache/gans-n-roses`. Does not create it.
 * @throws InputError if none of them is set and there is no home.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GNR_CACHE_DIR) return path.resolve(env.GNR_CACHE_DIR);
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) {
    return path.join(env.XDG_CACHE_HOME, 'gans-n-roses');
  }
  return path.join(homeDirectory(), '.cache', 'gans-n-roses');
}

const EVERYBODY_WRITES = 0o002;
const GROUP_WRITES = 0o020;

/**
 * Why others than this user and the system's administrator could change a file or folder, in words; undefined if they
 * cannot.
 */
export function whoElseWrites({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): string | undefined {
  const user = process.getuid?.();
  if (user === undefined) return undefined;
  if (uid !== user && uid !== 0) return `it belongs to the user with number ${uid}`;
  return (mode & EVERYBODY_WRITES) === 0 ? undefined : 'everybody can write to it';
}

let hasWarned = false;

/**
 * Checks that nobody else can write to the cache folder, whose programs and weights are used as they are. Warns once if a
 * group can. Accepts a folder that does not exist.
 * @throws InputError if somebody else can.
 */
export async function checkCacheDirectory(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const cache = cacheDirectory(env);
  const stats = await fs.stat(cache).catch(() => undefined);
  if (stats === undefined) return;
  const found = whoElseWrites(stats);
  if (found !== undefined)
    throw new InputError({
      expected: `a cache folder that only this user can change at ${cache}, since programs are loaded from it`,
      found,
      remedy: 'set GNR_CACHE_DIR to a folder of your own, or remove this one if it is yours',
    });
  // Many systems give each user a group alone, of the same number.
  if ((stats.mode & GROUP_WRITES) === 0 || stats.gid === stats.uid || hasWarned) return;
  hasWarned = true;
  notify(`warning: a group can change the programs in the cache folder ${cache}; chmod g-w prevents that.`);
}

/**
 * Makes the cache folder, for this user alone, if it is missing, and checks it.
 * @returns its path.
 * @throws InputError with the remedy if it cannot be made or written, or somebody else can write to it.
 */
export async function makeCacheDirectory(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const cache = cacheDirectory(env);
  try {
    await makeFolders(path.dirname(cache));
    await fs.mkdir(cache, { mode: 0o700 }).catch(async (error: unknown) => {
      if (!(await fs.stat(cache).catch(() => undefined))?.isDirectory()) throw error;
    });
    await fs.access(cache, fs.constants.W_OK);
  } catch (error) {
    throw new InputError(
      {
        expected: `a writable cache folder at ${cache}`,
        found: `that ${causeOf(error) ?? messageOf(error)}`,
        remedy: 'set GNR_CACHE_DIR to another folder',
      },
      { cause: error },
    );
  }
  await checkCacheDirectory(env);
  return cache;
}
