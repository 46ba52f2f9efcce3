import os from 'node:os';
import path from 'node:path';

/**
 * The folder that this user's checkouts share: libtensorflow, built addons, metric weights.
 * `GNR_CACHE_DIR`, else `$XDG_CACHE_HOME/gans-n-roses`, else `~/.cache/gans-n-roses`. Not created here.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.GNR_CACHE_DIR) return path.resolve(env.GNR_CACHE_DIR);
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) {
    return path.join(env.XDG_CACHE_HOME, 'gans-n-roses');
  }
  return path.join(os.homedir(), '.cache', 'gans-n-roses');
}
