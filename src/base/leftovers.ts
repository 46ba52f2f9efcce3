// Clears the temporary entries that dead processes left, and restores what they had set aside.
import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { endOfLinks, toWriteError } from './atomic-files.js';
import { systemCode } from './errors.js';
import { parseTemporary, stateOfTemporary, storedName, type TemporaryName } from './temporary-names.js';

/** Entries of processes that cannot be asked about stay so long after their last change. */
const UNKNOWN_MILLISECONDS = 3_600_000;

/** The time of the last change of an entry or of anything in it, ms since 1970. */
async function lastChange(path: string): Promise<number> {
  const stats = await lstat(path);
  // Renaming a folder changes its ctime alone.
  const own = Math.max(stats.mtimeMs, stats.ctimeMs);
  if (!stats.isDirectory()) return own;
  let last = own;
  for (const name of await readdir(path)) last = Math.max(last, await lastChange(join(path, name)));
  return last;
}

/** Whether a process uses a temporary entry, or may do so. */
async function isInUse(path: string, entry: TemporaryName): Promise<boolean> {
  const state = await stateOfTemporary(path, entry);
  if (state !== 'unknown') return state === 'running';
  try {
    return Date.now() - (await lastChange(path)) < UNKNOWN_MILLISECONDS;
  } catch (error) {
    // It changes at this moment.
    if (systemCode(error) === 'ENOENT') return true;
    throw error;
  }
}

export interface LeftoverOptions {
  /** Clears leftovers of this entry only; by default of all. */
  name?: string;
  /** Clears partial entries (`tmp`) alone, or those set aside (`old`); by default both. */
  kind?: TemporaryName['kind'];
  /**
   * Called with the path of a folder that was set aside and has a successor, before it is removed. If it throws, the
   * folder stays.
   */
  inspect?: ((setAside: string) => Promise<void>) | undefined;
}

/**
 * Clears what dead processes left in `folder`: removes partial entries, and restores a folder that was set aside if its
 * successor never arrived. Keeps entries of running processes, those of processes that cannot be asked about (of other
 * machines and containers) for an hour after their last change, and all entries with other names. Accepts a folder that
 * does not exist.
 * @returns the names of the entries it cleared.
 * @throws RunError if the folder cannot be read or changed; what `inspect` throws.
 */
export async function removeLeftovers(folder: string, options: LeftoverOptions = {}): Promise<string[]> {
  const wanted = options.name === undefined ? undefined : storedName(options.name);
  const cleared: string[] = [];
  try {
    for (const entry of (await readdir(folder)).sort()) {
      const parsed = parseTemporary(entry);
      if (parsed === undefined || (wanted !== undefined && parsed.name !== wanted)) continue;
      if (options.kind !== undefined && parsed.kind !== options.kind) continue;
      const path = join(resolve(folder), entry);
      if (await isInUse(path, parsed)) continue;
      if (parsed.kind === 'tmp') await rm(path, { recursive: true, force: true });
      else if (!(await restore(path, join(folder, options.name ?? parsed.name)))) {
        await options.inspect?.(path);
        await rm(path, { recursive: true, force: true });
      }
      cleared.push(entry);
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return cleared;
    throw toWriteError(error, folder);
  }
  return cleared;
}

/** As `removeLeftovers`, for the leftovers of what `target`, which may be a link, stands for. */
export async function removeLeftoversOf(
  target: string,
  options: Pick<LeftoverOptions, 'inspect'> = {},
): Promise<void> {
  let end: string;
  try {
    end = await endOfLinks(target);
  } catch (error) {
    throw toWriteError(error, target);
  }
  await removeLeftovers(dirname(end), { ...options, name: basename(end) });
}

/**
 * Gives a folder that is missing its name back if a process died between setting it aside and renaming its successor.
 * @returns whether it did.
 */
export async function restoreSetAside(target: string): Promise<boolean> {
  try {
    const end = await endOfLinks(target);
    const name = storedName(basename(end));
    for (const entry of await readdir(dirname(end))) {
      const parsed = parseTemporary(entry);
      if (parsed?.kind !== 'old' || parsed.name !== name) continue;
      const path = join(dirname(end), entry);
      if (!(await isInUse(path, parsed)) && (await restore(path, end))) return true;
    }
  } catch {
    // A reader need not be able to write.
  }
  return false;
}

/** Gives a folder that was set aside its name back, unless the name is taken. @returns whether it did. */
async function restore(setAside: string, path: string): Promise<boolean> {
  try {
    // An empty folder claims the name; rename replaces an empty folder and nothing else.
    await mkdir(path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await rename(setAside, path);
    return true;
  } catch (error) {
    await rmdir(path).catch(() => undefined);
    throw error;
  }
}
