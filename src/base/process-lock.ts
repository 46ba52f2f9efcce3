// Locks between processes, by a file that names its holder.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolders } from './atomic-files.js';
import { InputError, InterruptedError, systemCode } from './errors.js';
import { removeLeftovers } from './leftovers.js';
import { ownIdentity, type ProcessIdentity, stateOf } from './process-identity.js';
import { withTemporary } from './temporary-names.js';

/** How often a lock shows that its holder lives, and how long others wait for that. */
export interface LockTiming {
  heartbeatMs: number;
  /** After so long without a heartbeat, a holder that cannot be asked about is taken for dead. */
  silentMs: number;
}

const TIMING: LockTiming = { heartbeatMs: 20_000, silentMs: 120_000 };
const POLL_MILLISECONDS = 300;
/** For so long a lock may be missing while another process looks whether it is stale. */
const MOVED_MILLISECONDS = 500;

/** The content of a lock file; files of other versions of this program may lack parts. */
type Holder = ProcessIdentity & { token: string };

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, host, boot = '', namespace = '', started, token = '' } = value as Partial<Holder>;
    if (!Number.isSafeInteger(pid) || pid! < 1) return undefined;
    if ([host, boot, namespace, started, token].some((part) => typeof part !== 'string')) return undefined;
    return { pid: pid!, host: host!, boot, namespace, started: started!, token };
  } catch {
    return undefined;
  }
}

async function orIfMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const readIfExists = (file: string): Promise<string | undefined> => orIfMissing(fs.readFile(file, 'utf8'));

/** A look at a lock file. */
interface Look {
  text: string;
  mtimeMs: number;
}

/** @throws InputError if there is something else than a file: a link to nothing, for example, could never be locked. */
async function lookAt(file: string): Promise<Look | undefined> {
  const stats = await orIfMissing(fs.lstat(file));
  if (stats === undefined) return undefined;
  if (!stats.isFile())
    throw new InputError({
      expected: `a lock file at ${file}, or nothing`,
      found: stats.isSymbolicLink() ? 'a link' : stats.isDirectory() ? 'a folder' : 'neither file nor folder',
      remedy: 'remove it',
    });
  const text = await readIfExists(file);
  // After reading: on network disks, opening a file brings its time up to date.
  const read = await orIfMissing(fs.lstat(file));
  return text === undefined || read === undefined ? undefined : { text, mtimeMs: read.mtimeMs };
}

/** Creates the lock file with its text in one step. @returns false if something of that name exists already. */
function tryCreate(file: string, text: string): Promise<boolean> {
  return withTemporary(file, 'tmp', async (draft) => {
    // `wx` follows no link that somebody may have put there.
    await fs.writeFile(draft, text, { flag: 'wx' });
    try {
      return await linkOrCreate(draft, file, text);
    } finally {
      await fs.rm(draft, { force: true });
    }
  });
}

async function linkOrCreate(draft: string, file: string, text: string): Promise<boolean> {
  try {
    await fs.link(draft, file);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    // Some file systems have no hard links.
    if (['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(code)) return createExclusively(file, text);
    throw error;
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

export interface WatchOptions {
  signal?: AbortSignal | undefined;
  /** Called when the holder cannot be asked about, before its lock is watched, which may take `silentMs`. */
  onDoubt?: (holder: { pid: number | undefined; host: string | undefined }) => void;
  timing?: LockTiming | undefined;
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (!signal?.aborted)
    await sleep(milliseconds, undefined, { ...(signal && { signal }) }).catch(() => undefined);
  if (signal?.aborted) throw new InterruptedError('Stopped while waiting for another process.');
}

/**
 * Watches a lock whose holder cannot be asked about. Two looks are compared by this machine's own clock: the clock of the
 * machine that sets the file's time may be another.
 * @returns `changed` if it is another lock now, or none.
 */
async function watch(
  file: string,
  first: Look,
  { silentMs }: LockTiming,
  signal: AbortSignal | undefined,
): Promise<'held' | 'stale' | 'changed'> {
  const began = performance.now();
  for (;;) {
    await pause(Math.min(POLL_MILLISECONDS, silentMs), signal);
    // The time before the look: if this process is stopped between the two, the holder is not to blame.
    const waited = performance.now() - began;
    const look = await lookAt(file);
    if (look?.text !== first.text) return 'changed';
    if (look.mtimeMs !== first.mtimeMs) return 'held';
    if (waited >= silentMs) return 'stale';
  }
}

/**
 * Removes a lock that was found stale. Another process may just have taken it over, so the file is moved aside first, looked
 * at, and put back if it is another one.
 */
async function removeStale(file: string, text: string): Promise<void> {
  await withTemporary(file, 'tmp', async (aside) => {
    if ((await orIfMissing(fs.rename(file, aside).then(() => true))) === undefined) return;
    try {
      const moved = await fs.readFile(aside, 'utf8');
      // If a third process has a lock by now, the second one notices that it has lost its own.
      if (moved !== text) await linkOrCreate(aside, file, moved);
    } finally {
      await fs.rm(aside, { force: true });
    }
  });
}

/** A lock that this process has taken. */
export class HeldLock {
  private readonly beating: NodeJS.Timeout;
  private isLost = false;
  /** When the lock was last seen to be held, by the clock that stands still while the machine sleeps and by the other. */
  private seen = { performance: performance.now(), date: Date.now() };

  /** Use `tryLock`. */
  constructor(
    private readonly file: string,
    private readonly text: string,
    { heartbeatMs }: LockTiming,
  ) {
    this.beating = setInterval(() => void this.beat(), heartbeatMs);
    this.beating.unref();
  }

  /**
   * Whether this process still holds the lock: after it stood still for two minutes (stopped, or its machine asleep), another
   * may have taken it over. A lock that cannot be read counts as held.
   * @param maxAgeMs a look that is not older will do.
   */
  async isHeld(maxAgeMs = 0): Promise<boolean> {
    if (this.isLost) return false;
    const { seen } = this;
    const age = Math.max(performance.now() - seen.performance, Math.abs(Date.now() - seen.date));
    if (maxAgeMs > 0 && age <= maxAgeMs) return true;
    for (const until = performance.now() + MOVED_MILLISECONDS; ; await sleep(MOVED_MILLISECONDS / 10)) {
      let found: string | undefined;
      try {
        found = await readIfExists(this.file);
      } catch {
        return true;
      }
      if (found === this.text) {
        this.seen = { performance: performance.now(), date: Date.now() };
        return true;
      }
      if (found !== undefined || performance.now() > until) break;
    }
    this.isLost = true;
    clearInterval(this.beating);
    return false;
  }

  /** Gives the lock up, unless it is another's by now. */
  async release(): Promise<void> {
    clearInterval(this.beating);
    if ((await readIfExists(this.file)) === this.text) await fs.rm(this.file, { force: true });
  }

  private async beat(): Promise<void> {
    // Another's lock must not seem alive because of us.
    if (!(await this.isHeld())) return;
    const now = new Date();
    await fs.utimes(this.file, now, now).catch(() => undefined);
  }
}

export type LockAttempt =
  | { lock: HeldLock }
  /** Another process holds the lock; `heldBy` is its id, if known. */
  | { lock: undefined; heldBy: number | undefined };

/**
 * Takes the lock file, or reports who holds it. Takes a lock over if its process has ended. A process of another machine or
 * container cannot be asked about: its lock is watched until it shows a heartbeat, and taken over after two minutes
 * without one.
 * @throws InputError if there is something else than a file; InterruptedError if the signal aborts the watch.
 */
export async function tryLock(file: string, options: WatchOptions = {}): Promise<LockAttempt> {
  const { signal, onDoubt, timing = TIMING } = options;
  await makeFolders(path.resolve(path.dirname(file)));
  await removeLeftovers(path.dirname(file), { name: path.basename(file) }).catch(() => undefined);
  const holder: Holder = { ...(await ownIdentity()), token: randomBytes(8).toString('hex') };
  const text = JSON.stringify(holder);
  let doubted = false;
  while (!(await tryCreate(file, text))) {
    const look = await lookAt(file);
    if (look === undefined) {
      // It was released at this moment.
      await pause(POLL_MILLISECONDS / 10, signal);
      continue;
    }
    const other = parseHolder(look.text);
    const state = other === undefined ? 'unknown' : await stateOf(other);
    if (state === 'running') return { lock: undefined, heldBy: other!.pid };
    if (state === 'unknown') {
      if (!doubted) onDoubt?.({ pid: other?.pid, host: other?.host });
      doubted = true;
      const seen = await watch(file, look, timing, signal);
      if (seen === 'held') return { lock: undefined, heldBy: other?.pid };
      if (seen === 'changed') continue;
    }
    await removeStale(file, look.text);
  }
  return { lock: new HeldLock(file, text, timing) };
}

/**
 * Whether a process holds the lock file. For what people read: if the holder cannot be asked about, the time of its last
 * heartbeat decides at once, though clocks may differ.
 */
export async function isLocked(file: string): Promise<boolean> {
  const look = await lookAt(file).catch(() => undefined);
  if (look === undefined) return false;
  const holder = parseHolder(look.text);
  const state = holder === undefined ? 'unknown' : await stateOf(holder);
  return state === 'unknown' ? Date.now() - look.mtimeMs <= TIMING.silentMs : state === 'running';
}

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Called once with the holder's process id, if known, when this process has to wait for another. */
  onWait?: (pid: number | undefined) => void;
  timing?: LockTiming;
}

/**
 * Runs `work` while this process holds the lock file; waits as long as another process holds it.
 * @throws InputError if there is something else than a file; InterruptedError if the signal aborts the wait.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  { signal, onWait, timing }: LockOptions = {},
): Promise<T> {
  let hasReported = false;
  const report = (pid: number | undefined): void => {
    if (!hasReported) onWait?.(pid);
    hasReported = true;
  };
  for (;;) {
    const attempt = await tryLock(file, { signal, timing, onDoubt: ({ pid }) => report(pid) });
    if (attempt.lock !== undefined) {
      try {
        return await work();
      } finally {
        await attempt.lock.release();
      }
    }
    report(attempt.heldBy);
    await pause(POLL_MILLISECONDS, signal);
  }
}
