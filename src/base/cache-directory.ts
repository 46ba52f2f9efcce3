// Finds the cache folder of this user.
import os from 'node:os';
import path from 'node:path';
import { InputError } from './errors.js';

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
