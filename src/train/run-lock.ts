// The lock that keeps two processes out of one run directory.
import { rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import { isLocked, tryLock } from '../base/process-lock.js';

/**
 * Locks a run directory for this process and creates it if it is missing: two runs in one folder would corrupt each
 * other's logs and checkpoints.
 *
 * @returns a function that releases the lock, and removes the folder if it is new and empty.
 * @throws InputError that names the process that trains there; RunError if the folder cannot be written.
 */
export async function lockRun(runDir: string): Promise<() => Promise<void>> {
  const isNew = (await stat(runDir).catch(() => undefined)) === undefined;
  const attempt = await tryLock(lockFile(runDir)).catch((error: unknown) => {
    throw toWriteError(error, runDir);
  });
  if (attempt.release === undefined) {
    const holder = attempt.heldBy === undefined ? 'another process' : `process ${attempt.heldBy}`;
    throw new InputError({
      expected: `a run directory that no other process uses: ${runDir}`,
      found: `${holder} training in it`,
      remedy: 'give --out another folder, or stop that process first',
    });
  }
  const { release } = attempt;
  return async () => {
    // A lock that cannot be removed does no harm: it is free once its process has ended.
    await release().catch(() => undefined);
    if (isNew) await rmdir(runDir).catch(() => undefined); // fails if the folder is not empty
  };
}

/** Whether a process trains in a run directory. */
export function isRunLocked(runDir: string): Promise<boolean> {
  return isLocked(lockFile(runDir));
}

function lockFile(runDir: string): string {
  return join(runDir, '.lock');
}
