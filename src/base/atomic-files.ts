// Writes files and folders atomically: a reader sees the old content or the new one, whole.
import type { FileHandle } from 'node:fs/promises';
import { chmod, lstat, mkdir, open, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, RunError, systemCode } from './errors.js';
import { withoutTemporary, withTemporary } from './temporary-names.js';

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
  ELOOP: ['it is a link that leads back to itself', 'remove the link or name another path'],
  EIO: ['the disk reported an error', 'check the disk or name a folder on another one'],
};

/** Why the system refused a call, in words with its code; undefined for other errors. */
export function causeOf(error: unknown): string | undefined {
  const code = systemCode(error);
  return code !== undefined && Object.hasOwn(CAUSES, code) ? `${CAUSES[code]![0]} (${code})` : undefined;
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
 * Creates a folder and those above it, so that they survive a power cut. Node's recursive `mkdir` never ends on disks that
 * cannot have folders, such as /proc.
 * @param folder an absolute path. @throws the system's error.
 */
export async function makeFolders(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && dirname(folder) !== folder) {
      await makeFolders(dirname(folder));
      await mkdir(folder).catch((again: unknown) => existing(folder, again));
    } else return existing(folder, error);
  }
  await syncFolder(dirname(folder));
}

/** Accepts the error of creating a folder that exists. */
async function existing(folder: string, error: unknown): Promise<void> {
  // Some systems name another reason first, such as a read-only disk.
  const stats = await stat(folder).catch(() => undefined);
  if (stats?.isDirectory() !== true) throw error;
}

const MAX_LINKS = 40;

/**
 * The path that a path stands for: the end of its links, which need not exist. What is replaced is the file or folder
 * that the user sees there, and not the link, which often leads to a disk with more room.
 * @returns an absolute path. @throws the system's error for links that go round in a circle.
 */
export async function endOfLinks(path: string): Promise<string> {
  let end = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    const to = await readlink(end).catch((error: unknown) => {
      // EINVAL: it is no link. Other errors come back when the path is used.
      if (systemCode(error) === 'ELOOP') throw error;
      return undefined;
    });
    if (to === undefined) return end;
    end = resolve(await realpath(dirname(end)), to);
  }
  throw Object.assign(new Error(`ELOOP: too many links, readlink '${path}'`), {
    code: 'ELOOP',
    syscall: 'readlink',
  });
}

/** The permissions of what is to be replaced; undefined if there is nothing. @throws RunError for a device or a pipe. */
async function permissionsOf(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  });
  if (stats === undefined) return undefined;
  if (!stats.isFile() && !stats.isDirectory())
    throw new RunError(`Cannot write ${path}: it is neither a file nor a folder; name another path.`);
  return stats.mode & 0o777;
}

/** Gives a path the permissions of what it replaces. Some file systems have none. */
async function keepPermissions(path: string, permissions: number | undefined): Promise<void> {
  if (permissions === undefined) return;
  await chmod(path, permissions).catch((error: unknown) => {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(error) ?? '')) throw error;
  });
}

/**
 * Runs `make(temporary)`, which creates `temporary` beside `path` and renames it. Nobody ever sees a partial entry; after
 * an error `temporary` is removed and `path` is unchanged.
 * @throws RunError naming `shown`, the cause and the remedy if the system refuses a call.
 */
async function replacing(
  shown: string,
  pathOf: () => string | Promise<string>,
  make: (temporary: string, path: string) => Promise<void>,
): Promise<void> {
  try {
    const path = await pathOf();
    await makeFolders(dirname(path));
    await withTemporary(path, 'tmp', async (temporary) => {
      try {
        await make(temporary, path);
      } catch (error) {
        // Report the first error: removeLeftovers handles a clean-up that fails.
        await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      }
    });
    await syncFolder(dirname(path));
  } catch (error) {
    throw toWriteError(error, shown);
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
 * Creates the folders above it; replaces what a link leads to, and keeps the permissions of what was there. `content` may
 * be a function that writes to the open file in chunks.
 * @throws RunError naming the path, the cause and the remedy; the previous file is kept.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | ((handle: FileHandle) => Promise<void>),
): Promise<void> {
  await replaceFile(path, async (temporary, permissions) => {
    // From the start: what nobody else may read must not be readable for a while.
    const handle = await open(temporary, 'wx', permissions);
    try {
      if (typeof content === 'function') await content(handle);
      else await writeFully(handle, typeof content === 'string' ? Buffer.from(content) : content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/**
 * Puts a file that `make` writes at `path` in one step, as `writeFileAtomic` does: for files that another function or
 * program writes.
 * @param make gets the permissions of what is replaced, which the file has in the end; undefined if there is nothing.
 * @throws as `writeFileAtomic` does.
 */
export async function replaceFile(
  path: string,
  make: (temporary: string, permissions: number | undefined) => Promise<void>,
): Promise<void> {
  await replacing(
    path,
    () => endOfLinks(path),
    async (temporary, end) => {
      const permissions = await permissionsOf(end);
      await make(temporary, permissions);
      await keepPermissions(temporary, permissions);
      await rename(temporary, end);
    },
  );
}

export interface ReplaceDirectoryOptions {
  /**
   * Called with the existing folder when it was set aside: what has come into it until then is in there. If it throws,
   * the folder gets its name back.
   */
  inspect?: ((setAside: string) => Promise<void>) | undefined;
}

/**
 * Replaces or creates the folder `target` as a whole: `writer` fills a temporary folder beside it, all files are
 * synced, and the folder is renamed. An existing folder is set aside first and removed last; between the two renames there
 * is none for a moment, since Node cannot exchange two folders. `removeLeftovers` and `restoreSetAside` give it its name
 * back if the process died in that moment. If `target` is a link, the folder that it leads to is replaced.
 * @throws RunError naming the path, the cause and the remedy (the previous folder is kept), and whatever `writer` and
 *   `inspect` throw.
 */
export async function replaceDirectory(
  target: string,
  writer: (temporary: string) => Promise<void>,
  options: ReplaceDirectoryOptions = {},
): Promise<void> {
  await replacing(
    target,
    () => endOfLinks(target),
    async (temporary, path) => {
      const permissions = await permissionsOf(path);
      await mkdir(temporary);
      await writer(temporary);
      await syncTree(temporary);
      await keepPermissions(temporary, permissions);
      await swapIn(temporary, path, options);
    },
  );
}

/** Renames a finished folder to `path`; sets an existing one aside first, since rename replaces only empty folders. */
async function swapIn(finished: string, path: string, { inspect }: ReplaceDirectoryOptions): Promise<void> {
  await withTemporary(path, 'old', async (setAside) => {
    const existed = await renameIfExists(path, setAside);
    try {
      if (existed) await inspect?.(setAside);
      await rename(finished, path);
    } catch (error) {
      if (existed) await rename(setAside, path);
      throw error;
    }
    if (existed) await discard(setAside, path).catch(() => undefined);
  });
}

/** Removes the folder that was set aside. Under its other name a part of it is no folder that somebody may want back. */
async function discard(setAside: string, path: string): Promise<void> {
  await withTemporary(path, 'tmp', async (rest) => {
    await rename(setAside, rest);
    await rm(rest, { recursive: true, force: true });
  });
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

/** Puts what `make` creates (a symbolic link) at `path` itself in one step. @throws as `writeFileAtomic` does. */
export async function replaceEntry(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await replacing(
    path,
    () => resolve(path),
    async (temporary, entry) => {
      await make(temporary);
      await rename(temporary, entry);
    },
  );
}

/**
 * Removes a folder so that it is there as a whole or not at all: renames it first.
 * @throws RunError naming the path, the cause and the remedy.
 */
export async function removeDirectory(path: string): Promise<void> {
  await withTemporary(resolve(path), 'tmp', async (temporary) => {
    try {
      if (await renameIfExists(path, temporary)) await rm(temporary, { recursive: true });
    } catch (error) {
      throw toWriteError(error, path);
    }
  });
}
