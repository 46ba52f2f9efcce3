// The lock that keeps two processes out of one run directory.
import { rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { InputError, RunError } from '../base/errors.js';
import { notify } from '../base/notices.js';
import { isLocked, type LockTiming, tryLock } from '../base/process-lock.js';

/** Training looks again whether it holds its run if it has not seen that for so long. */
const MAX_AGE_MILLISECONDS = 60_000;

/** A run directory that this process has locked. */
export interface RunLock {
  /**
   * Whether another process may have taken the run over is looked at if this one seems to have stood still since the last
   * look, and always with `now`.
   * @throws RunError if another process has taken it over; this one must not write anything more.
   */
  check(when?: 'now'): Promise<void>;
  isHeld(): Promise<boolean>;
  /** Releases the lock, and removes the folder if it is new and empty. */
  release(): Promise<void>;
}

export interface LockRunOptions {
  signal?: AbortSignal | undefined;
  timing?: LockTiming;
}

/**
 * Locks a run directory for this process and creates it if it is missing: two runs in one folder would corrupt each
 * other's logs and checkpoints. If a process of another machine or container has its lock, this takes up to two minutes.
 *
 * @throws InputError that names the process that trains there; RunError if the folder cannot be written; InterruptedError
 *   after `signal`.
 */
export async function lockRun(runDir: string, options: LockRunOptions = {}): Promise<RunLock> {
  const isNew = (await stat(runDir).catch(() => undefined)) === undefined;
  const onDoubt = ({ pid, host }: { pid: number | undefined; host: string | undefined }): void => {
    const who = pid === undefined ? 'a process' : `process ${pid}`;
    notify(
      `${runDir} is locked by ${who} of another container or machine${host ? ` (${host})` : ''}: ` +
        'waiting up to two minutes to see whether it still trains.',
    );
  };
  const attempt = await tryLock(lockFile(runDir), { ...options, onDoubt }).catch((error: unknown) => {
    throw toWriteError(error, runDir);
  });
  if (attempt.lock === undefined) {
    const holder = attempt.heldBy === undefined ? 'another process' : `process ${attempt.heldBy}`;
    throw new InputError({
      expected: `a run directory that no other process uses: ${runDir}`,
      found: `${holder} training in it`,
      remedy: 'give --out another folder, or stop that process first',
    });
  }
  const { lock } = attempt;
  return {
    check: async (when) => {
      if (await lock.isHeld(when === 'now' ? 0 : MAX_AGE_MILLISECONDS)) return;
      throw new RunError(
        `Another process has taken ${runDir} over, since this one stood still for more than two minutes ` +
          '(it was stopped, or its machine slept). This one ends, and its steps since the last checkpoint are not saved; when no ' +
          'other process trains there, --resume continues from the newest checkpoint.',
      );
    },
    isHeld: () => lock.isHeld(),
    release: async () => {
      // A lock that cannot be removed does no harm: it is free once its process has ended.
      await lock.release().catch(() => undefined);
      if (isNew) await rmdir(runDir).catch(() => undefined); // fails if the folder is not empty
    },
  };
}

/** Whether a process trains in a run directory. */
export function isRunLocked(runDir: string): Promise<boolean> {
  return isLocked(lockFile(runDir));
}

function lockFile(runDir: string): string {
  return join(runDir, '.lock');
}
