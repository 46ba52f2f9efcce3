// Finds the cache folder of this user.
import os from 'node:os';
import path from 'node:path';

/**
 * The cache folder that this user's checkouts share, for libtensorflow, built addons and metric weights:
 * `GNR_CACHE_DIR`, else `$XDG_CACHE_HOME/gans-n-roses`, else `~/.cache/gans-n-roses`. Does not create it.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GNR_CACHE_DIR) return path.resolve(env.GNR_CACHE_DIR);
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) {
    return path.join(env.XDG_CACHE_HOME, 'gans-n-roses');
  }
  return path.join(os.homedir(), '.cache', 'gans-n-roses');
}
