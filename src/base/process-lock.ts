import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedError, systemCode } from './errors.js';

const POLL_MILLISECONDS = 300;
const HEARTBEAT_MILLISECONDS = 20_000;
const SILENT_MILLISECONDS = 120_000;

interface Holder {
  pid: number;
  host: string;
  /** Start time of the process in the kernel's ticks: tells it from a later process of the same number. */
  started: string;
}

/** Field 22 of /proc/PID/stat, or an empty string for no such process. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field, the program's name, may hold blanks and brackets: count from its end.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, host, started } = value as Partial<Holder>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof started !== 'string') return undefined;
    return { pid, host, started };
  } catch {
    return undefined;
  }
}

/** Whether nobody holds the lock any more: its process has ended, or, on another machine, gives no sign of life. */
async function isStale(file: string, text: string): Promise<boolean> {
  const holder = parseHolder(text);
  if (holder?.host === os.hostname()) return (await startOf(holder.pid)) !== holder.started;
  try {
    const { mtimeMs } = await fs.stat(file);
    return Date.now() - mtimeMs > SILENT_MILLISECONDS;
  } catch {
    return false;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Creates the lock file complete with its text, or returns false where there is one. */
async function tryCreate(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${process.pid}.${Math.trunc(performance.now() * 1000)}`;
  await fs.writeFile(draft, text);
  try {
    await fs.link(draft, file);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    // Some file systems have no hard links.
    if (['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(code)) return createExclusively(file, text);
    throw error;
  } finally {
    await fs.rm(draft, { force: true });
  }
}

async function createExclusively(file: string, text: string): Promise<boolean> {
  try {
    await fs.writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

export type LockAttempt =
  | { release: () => Promise<void> }
  /** Held by another process; by which, where that is known. */
  | { release: undefined; heldBy: number | undefined };

/**
 * Takes the lock file, or tells who holds it. A lock whose process has ended is taken over; one held by another machine
 * (a shared folder) is taken over after two minutes without its heartbeat.
 */
export async function tryLock(file: string): Promise<LockAttempt> {
  await fs.mkdir(path.dirname(file), { recursive: true });
  const mine: Holder = { pid: process.pid, host: os.hostname(), started: await startOf(process.pid) };
  const text = JSON.stringify(mine);
  while (!(await tryCreate(file, text))) {
    const held = await readIfThere(file);
    if (held === undefined) continue;
    if (!(await isStale(file, held))) return { release: undefined, heldBy: parseHolder(held)?.pid };
    // Another process may just have taken over: remove only the lock that was examined.
    if ((await readIfThere(file)) === held) await fs.rm(file, { force: true });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    fs.utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MILLISECONDS);
  heartbeat.unref();
  const release = async (): Promise<void> => {
    clearInterval(heartbeat);
    if ((await readIfThere(file)) === text) await fs.rm(file, { force: true });
  };
  return { release };
}

/** Whether a process holds the lock file; by the rules of `tryLock`. */
export async function isLocked(file: string): Promise<boolean> {
  const held = await readIfThere(file);
  return held !== undefined && !(await isStale(file, held));
}

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Called once, where another process holds the lock and this one waits. */
  onWait?: (pid: number | undefined) => void;
}

/** Runs `work` while this process alone holds the lock file; waits for it as long as another process does. */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  let told = false;
  for (;;) {
    const attempt = await tryLock(file);
    if (attempt.release !== undefined) {
      try {
        return await work();
      } finally {
        await attempt.release();
      }
    }
    if (!told) options.onWait?.(attempt.heldBy);
    told = true;
    await sleep(POLL_MILLISECONDS);
    if (options.signal?.aborted) throw new InterruptedError('Stopped while waiting for another process.');
  }
}
