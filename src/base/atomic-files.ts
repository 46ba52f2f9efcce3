// Writes files and folders atomically: a reader sees the old content or the new one, whole.
import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { lstat, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { messageOf, RunError, systemCode } from './errors.js';

/**
 * `.tmp-NAME-PID` is being written; `.old-NAME-PID` was set aside while its successor takes the name. NAME becomes
 * `NAME~01234567` if such an entry exists already.
 */
const LEFTOVER = /^\.(tmp|old)-(.+?)(?:~[0-9a-f]{8})?-(\d+)$/;

const CAUSES: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  ENOSPC: ['no space is left on the disk', 'free some space and run the command again'],
  EDQUOT: ['the disk quota is used up', 'free some space and run the command again'],
  EFBIG: ['the file would exceed the size limit', 'raise the limit (ulimit -f) or write to another disk'],
  EACCES: ['permission is denied', 'make the folder writable or name another one'],
  EPERM: ['the operation is not permitted', 'make the folder writable or name another one'],
  EROFS: ['the file system is read-only', 'name a folder on a writable disk'],
  // Node reports this for a recursive mkdir on a read-only disk.
  ENOENT: ['its folder cannot be created, or has been removed', 'name a folder on a writable disk'],
  ENOTDIR: ['a part of the path is a file', 'name a path whose parents are all folders'],
  EISDIR: ['a folder has that name', 'remove it or name another path'],
  EEXIST: ['a file has the name of a folder that it needs', 'remove it or name another path'],
  EMFILE: ['too many files are open', 'raise the limit (ulimit -n) and run the command again'],
  ENAMETOOLONG: ['the name is too long', 'name a shorter path'],
  EBUSY: ['it is in use, or is a mount point', 'name another path, such as a folder inside it'],
  EXDEV: [
    'it is on a different disk from the folder around it',
    'name another path, such as a folder inside it',
  ],
  EIO: ['the disk reported an error', 'check the disk or name a folder on another one'],
};

/** Temporary paths that this process is writing to now. */
const active = new Set<string>();

/** The final form of a path: the temporary folder in it has gone by the time somebody reads the message. */
function withoutTemporary(path: string): string {
  const names = path.split(sep).map((name) => {
    const match = LEFTOVER.exec(name);
    return match?.[1] === 'tmp' ? match[2] : name;
  });
  return names.join(sep);
}

/** Turns a failed write into a RunError with path, cause and remedy. Returns other errors unchanged. */
export function toWriteError(error: unknown, path: string): Error {
  const code = systemCode(error);
  if (code === undefined || !(error instanceof Error) || !('syscall' in error)) {
    return error instanceof Error ? error : new RunError(messageOf(error));
  }
  const [cause, remedy] = CAUSES[code] ?? [error.message, 'check the path and the disk'];
  return new RunError(
    `Cannot write ${withoutTemporary(path)}: ${cause} (${code}); ${remedy}. What was there before is kept.`,
    {
      cause: error,
    },
  );
}

async function pathExists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Claims a name beside `target` that nothing else uses. */
async function claimBeside(target: string, prefix: 'tmp' | 'old'): Promise<string> {
  for (let suffix = ''; ; suffix = `~${randomBytes(4).toString('hex')}`) {
    const path = join(dirname(target), `.${prefix}-${basename(target)}${suffix}-${process.pid}`);
    if (active.has(path)) continue;
    active.add(path);
    let taken = true;
    try {
      taken = await pathExists(path);
    } finally {
      if (taken) active.delete(path);
    }
    if (!taken) return path;
  }
}

/** Makes a folder's entries survive a power cut. Does nothing on systems that cannot open folders. */
async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (['EISDIR', 'EPERM', 'EACCES'].includes(systemCode(error) ?? '')) return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
  await syncFolder(folder);
}

/**
 * Runs `make(temporary)`, which creates `temporary` and renames it to `target`. Nobody ever sees a partial `target`; after
 * an error `temporary` is removed and `target` is unchanged.
 * @throws RunError naming `target`, the cause and the remedy if the system refuses a call.
 */
async function replacing(target: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const path = resolve(target);
  let temporary: string | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    temporary = await claimBeside(path, 'tmp');
    await make(temporary);
    await syncFolder(dirname(path));
  } catch (error) {
    // Report the first error: removeLeftovers handles a clean-up that fails.
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw toWriteError(error, target);
  } finally {
    if (temporary !== undefined) active.delete(temporary);
  }
}

/** Writes all of `bytes` at `position`, by default the handle's own; one write call may write only part of them. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, at);
    done += bytesWritten;
  }
}

/**
 * Writes a file under a temporary name beside it, syncs it and renames it, so that it is always whole under its own name.
 * Creates the folders above it. `content` may be a function that writes to the open file in chunks.
 * @throws RunError naming the path, the cause and the remedy; the previous file is kept.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | ((handle: FileHandle) => Promise<void>),
): Promise<void> {
  await replacing(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      if (typeof content === 'function') await content(handle);
      else await writeFully(handle, typeof content === 'string' ? Buffer.from(content) : content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, resolve(path));
  });
}

/**
 * Replaces or creates the folder `target` as a whole: `writer` fills a temporary folder beside it, all files are
 * synced, and the folder is renamed. An existing folder is set aside first and removed last; `removeLeftovers`
 * restores it if the process died in between.
 * @throws RunError naming the path, the cause and the remedy (the previous folder is kept), and whatever `writer` throws.
 */
export async function replaceDirectory(
  target: string,
  writer: (temporary: string) => Promise<void>,
): Promise<void> {
  await replacing(target, async (temporary) => {
    await mkdir(temporary);
    await writer(temporary);
    await syncTree(temporary);
    await swapIn(temporary, resolve(target));
  });
}

/** Renames a finished folder to `path`; sets an existing one aside first, since rename replaces only empty folders. */
async function swapIn(finished: string, path: string): Promise<void> {
  const setAside = await claimBeside(path, 'old');
  try {
    const existed = await renameIfExists(path, setAside);
    try {
      await rename(finished, path);
    } catch (error) {
      if (existed) await rename(setAside, path);
      throw error;
    }
    if (existed) await rm(setAside, { recursive: true, force: true }).catch(() => undefined);
  } finally {
    active.delete(setAside);
  }
}

async function renameIfExists(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Puts what `make` creates (a symbolic link) at `path` in one step. @throws as `writeFileAtomic` does. */
export async function replaceEntry(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await replacing(path, async (temporary) => {
    await make(temporary);
    await rename(temporary, resolve(path));
  });
}

/**
 * Removes a folder so that it is there as a whole or not at all: renames it first.
 * @throws RunError naming the path, the cause and the remedy.
 */
export async function removeDirectory(path: string): Promise<void> {
  const temporary = await claimBeside(resolve(path), 'tmp');
  try {
    if (await renameIfExists(path, temporary)) await rm(temporary, { recursive: true });
  } catch (error) {
    throw toWriteError(error, path);
  } finally {
    active.delete(temporary);
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/**
 * Clears what dead processes left in `folder`: removes partial `.tmp-` entries, and restores a folder that was set
 * aside if its successor never arrived. Keeps entries of running processes. Accepts a folder that does not exist.
 * @param name clears leftovers of this entry only; by default of all.
 * @returns the names of the entries it cleared.
 * @throws RunError if the folder cannot be read or changed.
 */
export async function removeLeftovers(folder: string, name?: string): Promise<string[]> {
  const cleared: string[] = [];
  try {
    for (const entry of (await readdir(folder)).sort()) {
      const match = LEFTOVER.exec(entry);
      if (match === null || (name !== undefined && match[2] !== name)) continue;
      const path = join(resolve(folder), entry);
      const owner = Number(match[3]);
      // After a restart this process may have the same id as the dead one, so ask the set about our own entries.
      if (owner === process.pid ? active.has(path) : isRunning(owner)) continue;
      if (match[1] !== 'old' || !(await restore(path, join(folder, match[2]!)))) {
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
