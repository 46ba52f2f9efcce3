import { rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import { isLocked, tryLock } from '../base/process-lock.js';

/**
 * Takes a run directory for this process alone, making it where it is missing: two trainings in one folder would tear
 * each other's logs and checkpoints.
 *
 * @returns what gives it back, and removes a folder that was made for nothing.
 * @throws InputError naming the process that trains there; RunError where the folder cannot be written.
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
    // One that cannot be removed does no harm: once its process has ended it is nobody's.
    await release().catch(() => undefined);
    if (isNew) await rmdir(runDir).catch(() => undefined); // refused where something is in it
  };
}

/** Whether a process trains in a run directory. */
export function isRunLocked(runDir: string): Promise<boolean> {
  return isLocked(lockFile(runDir));
}

function lockFile(runDir: string): string {
  return join(runDir, '.lock');
}
