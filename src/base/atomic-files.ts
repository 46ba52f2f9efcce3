import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { lstat, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { messageOf, RunError, systemCode } from './errors.js';

/**
 * `.tmp-NAME-PID`: being written. `.old-NAME-PID`: set aside while its successor takes the name. `NAME~01234567` where
 * the plain name is taken.
 */
const LEFTOVER = /^\.(tmp|old)-(.+?)(?:~[0-9a-f]{8})?-(\d+)$/;

const CAUSES: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  ENOSPC: ['no space is left on the disk', 'free some space and run the command again'],
  EDQUOT: ['the disk quota is used up', 'free some space and run the command again'],
  EFBIG: ['the file would exceed the size limit', 'raise the limit (ulimit -f) or write to another disk'],
  EACCES: ['permission is denied', 'make the folder writable or name another one'],
  EPERM: ['the operation is not permitted', 'make the folder writable or name another one'],
  EROFS: ['the file system is read-only', 'name a folder on a writable disk'],
  // What Node tells of a folder that is to be made, with those above it, on a read-only disk.
  ENOENT: ['a folder for it cannot be made, or has gone', 'name a folder on a writable disk'],
  ENOTDIR: ['a part of the path is a file', 'name a path whose parents are all folders'],
  EISDIR: ['a folder has that name', 'remove it or name another path'],
  EEXIST: ['a file has the name of a folder that is needed', 'remove it or name another path'],
  EMFILE: ['too many files are open', 'raise the limit (ulimit -n) and run the command again'],
  ENAMETOOLONG: ['the name is too long', 'name a shorter path'],
  EBUSY: ['it is in use, or a mount point', 'name another path, such as a folder inside it'],
  EXDEV: [
    'it lies on another disk than the folder around it',
    'name another path, such as a folder inside it',
  ],
  EIO: ['the disk reported an error', 'check the disk or name a folder on another one'],
};

/** Temporary paths that this process is writing to at the moment. */
const active = new Set<string>();

/** A path as it would have been in the end: the temporary folder in it is gone when somebody reads of it. */
function withoutTemporary(path: string): string {
  const names = path.split(sep).map((name) => {
    const match = LEFTOVER.exec(name);
    return match?.[1] === 'tmp' ? match[2] : name;
  });
  return names.join(sep);
}

/** A failed write as the project says it: the path, the cause, the remedy. Other errors pass unchanged. */
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

async function isThere(path: string): Promise<boolean> {
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
      taken = await isThere(path);
    } finally {
      if (taken) active.delete(path);
    }
    if (!taken) return path;
  }
}

/** Makes a folder's entries survive a power cut. Some systems cannot open folders; there it does nothing. */
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
 * Runs `make(temporary)`, which makes something there and renames it to `target`: nobody ever sees a half-made `target`,
 * and after an error the temporary is gone and `target` is as it was.
 * @throws RunError that names `target`, the cause and the remedy, where the system refuses.
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
    // The first error is the one to report: a failing clean-up is left to removeLeftovers.
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw toWriteError(error, target);
  } finally {
    if (temporary !== undefined) active.delete(temporary);
  }
}

/** Writes all of `bytes` at `position`, or at the handle's own; a single write may take only a part. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, at);
    done += bytesWritten;
  }
}

/**
 * Writes a file under a temporary name beside it, syncs it, and renames it: under its own name it is always whole.
 * Makes the folders above it. `content` may be a function that writes to the open file piece by piece.
 * @throws RunError that names the path, the cause and the remedy; what was there before is kept.
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
 * Replaces (or makes) the folder `target` as a whole: `writer` fills a temporary folder beside it, all files are
 * synced, and the folder is renamed. A folder of that name is set aside first and removed last; `removeLeftovers`
 * restores it where the process died in between.
 * @throws RunError that names the path, the cause and the remedy (what was there before is kept), and whatever the
 *   writer throws.
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

/** Renames a finished folder to `path`; rename cannot replace a folder with entries, so that one is set aside first. */
async function swapIn(finished: string, path: string): Promise<void> {
  const setAside = await claimBeside(path, 'old');
  try {
    const existed = await renameIfThere(path, setAside);
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

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Puts `make`'s result (a symbolic link) under `path` in one step; the errors are those of `writeFileAtomic`. */
export async function replaceEntry(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await replacing(path, async (temporary) => {
    await make(temporary);
    await rename(temporary, resolve(path));
  });
}

/**
 * Removes a folder so that it is there as a whole or not at all: it loses its name first.
 * @throws RunError that names the path, the cause and the remedy.
 */
export async function removeDirectory(path: string): Promise<void> {
  const temporary = await claimBeside(resolve(path), 'tmp');
  try {
    if (await renameIfThere(path, temporary)) await rm(temporary, { recursive: true });
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
 * Clears what dead processes left in `folder`: removes half-written `.tmp-` entries, and gives a folder that was set
 * aside its name back where its successor never arrived. Entries of running processes stay. A folder that does not
 * exist is in order.
 * @param name clears what was to become this entry alone; all where it is left out.
 * @returns the names that were cleared.
 * @throws RunError where the folder cannot be read or changed.
 */
export async function removeLeftovers(folder: string, name?: string): Promise<string[]> {
  const cleared: string[] = [];
  try {
    for (const entry of (await readdir(folder)).sort()) {
      const match = LEFTOVER.exec(entry);
      if (match === null || (name !== undefined && match[2] !== name)) continue;
      const path = join(resolve(folder), entry);
      const owner = Number(match[3]);
      // A number may have come back to us after a restart, so for our own it is the set that decides.
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

/** Renames a folder that was set aside back, unless something is there; true where it did. */
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
