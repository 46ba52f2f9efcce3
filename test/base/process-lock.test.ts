import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { InputError, InterruptedError } from '../../src/base/errors.js';
import { ownIdentity } from '../../src/base/process-identity.js';
import { isLocked, type LockTiming, tryLock, withLock } from '../../src/base/process-lock.js';
import { canUnshare, compileForChild, startChild } from '../support/child-process.js';
import { beforeFileCall } from '../support/faults.js';

/** Long enough for a heartbeat on a busy machine. */
const PATIENT: LockTiming = { heartbeatMs: 50, silentMs: 60_000 };
/** Nobody gives a sign of life in these tests. */
const HASTY: LockTiming = { heartbeatMs: 60_000, silentMs: 300 };

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'gnr-lock-'));
  file = path.join(folder, 'inside', 'setup.lock');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(folder, { recursive: true, force: true });
});

const endedPid = (): number => spawnSync('true').pid;
const namesBeside = () => fs.readdir(path.dirname(file));

async function leaveLock(holder: unknown): Promise<void> {
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, typeof holder === 'string' ? holder : JSON.stringify(holder));
}

/** Writes a heartbeat until the test ends. */
function keepBeating(): () => void {
  let times = 0;
  const beating = setInterval(() => {
    const time = new Date(1e12 + 1000 * ++times);
    fs.utimes(file, time, time).catch(() => undefined);
  }, 20);
  return () => clearInterval(beating);
}

test('withLock lets one process in at a time, and reports the wait to the others', async () => {
  let inside = 0;
  let most = 0;
  const waited: (number | undefined)[] = [];
  const work = async () => {
    inside++;
    most = Math.max(most, inside);
    await sleep(50);
    inside--;
  };
  const onWait = (pid: number | undefined) => waited.push(pid);
  await Promise.all([1, 2, 3].map(() => withLock(file, work, { onWait })));
  expect(most).toBe(1);
  expect(waited).toEqual([process.pid, process.pid]);
  expect(await namesBeside()).toEqual([]);
});

test('withLock releases the lock if the work fails', async () => {
  const failure = withLock(file, () => Promise.reject(new Error('failed')));
  await expect(failure).rejects.toThrow('failed');
  expect(await withLock(file, async () => 'done')).toBe('done');
});

describe('a lock of this machine and container', () => {
  test('is taken over at once if its process has ended', async () => {
    await leaveLock({ ...(await ownIdentity()), pid: endedPid() });
    expect(await isLocked(file)).toBe(false);
    expect(await withLock(file, async () => 'done')).toBe('done');
  });

  test('is taken over at once if the process id now belongs to another process', async () => {
    await leaveLock({ ...(await ownIdentity()), started: '1' });
    expect(await withLock(file, async () => 'done')).toBe('done');
  });

  test('is taken over if its process has ended, but its parent has not noticed', async () => {
    await compileForChild(folder);
    // Never asks for the exit code of its child. A shell would, if the child ended soon.
    const parent = `import os, time
pid = os.fork()
if pid == 0:
    os._exit(0)
print(pid, flush=True)
time.sleep(1000)`;
    const { child, output } = await startChild(folder, '', { wrapper: ['python3', '-c', parent] });
    try {
      while (!output().includes('\n')) await sleep(10);
      const pid = Number(output());
      let stat = '';
      while (!/\) Z /.test(stat)) stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
      const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      await leaveLock({ ...(await ownIdentity()), pid, started });
      expect(await withLock(file, async () => 'done')).toBe('done');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('a lock of a process that cannot be asked about', () => {
  const others = async () => {
    const own = await ownIdentity();
    return [
      { ...own, namespace: 'pid:[1]' },
      { ...own, boot: 'another' },
      { pid: 1, host: os.hostname(), started: '1' },
      'not JSON',
    ];
  };

  test('is not taken over while it shows a heartbeat, even if the clock of its machine is years behind', async () => {
    for (const holder of await others()) {
      await leaveLock(holder);
      const stop = keepBeating();
      try {
        const attempt = await tryLock(file, { timing: PATIENT });
        expect(attempt).toEqual({
          lock: undefined,
          heldBy: typeof holder === 'string' ? undefined : holder.pid,
        });
      } finally {
        stop();
      }
    }
  });

  test('is taken over when it was watched without a heartbeat, whatever its time is', async () => {
    for (const holder of await others()) {
      await leaveLock(holder);
      const future = new Date(Date.now() + 1e9);
      await fs.utimes(file, future, future);
      const doubts: unknown[] = [];
      const attempt = await tryLock(file, { timing: HASTY, onDoubt: (doubt) => doubts.push(doubt) });
      expect(doubts).toHaveLength(1);
      expect(await namesBeside()).toEqual(['setup.lock']);
      await attempt.lock!.release();
    }
  });

  test('is reported to be waited for before it is watched, and the watch can be interrupted', async () => {
    await leaveLock({ ...(await ownIdentity()), boot: 'another' });
    const controller = new AbortController();
    const { signal } = controller;
    const onWait = () => controller.abort();
    await expect(withLock(file, async () => 'done', { signal, onWait })).rejects.toThrow(InterruptedError);
  });

  test('counts as held for a report if its time is recent', async () => {
    await leaveLock({ ...(await ownIdentity()), boot: 'another' });
    expect(await isLocked(file)).toBe(true);
    await fs.utimes(file, 1e9, 1e9);
    expect(await isLocked(file)).toBe(false);
  });
});

/** Tries the lock in a process with its own numbers of processes, as in a container with the same host name. */
const IN_CONTAINER = `
  import { hostname } from 'node:os';
  import { tryLock } from './src/base/process-lock.js';
  const [file, silentMs] = process.argv.slice(2);
  const { lock } = await tryLock(file, { timing: { heartbeatMs: 50, silentMs: Number(silentMs) } });
  await lock?.release();
  process.stdout.write(JSON.stringify({ took: lock !== undefined, host: hostname(), pid: process.pid }));
`;
const CONTAINERS = [
  ['with a /proc of its own', ['unshare', '--fork', '--pid', '--mount-proc']],
  ['with the /proc of the machine', ['unshare', '--fork', '--pid']],
] as const;

describe.skipIf(!canUnshare())('another container with the same host name', () => {
  async function tryInContainer(wrapper: readonly string[], silentMs: number): Promise<unknown> {
    await compileForChild(folder);
    const args = [file, String(silentMs)];
    const { done } = await startChild(folder, IN_CONTAINER, { wrapper, args });
    const { stdout, stderr } = await done;
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  test.each(CONTAINERS)('%s does not take over the lock of a live process', async (_, wrapper) => {
    const { lock } = await tryLock(file, { timing: PATIENT });
    const result = await tryInContainer(wrapper, PATIENT.silentMs);
    expect(result).toMatchObject({ took: false, host: os.hostname() });
    expect(await lock!.isHeld()).toBe(true);
    await lock!.release();
  });

  test.each(CONTAINERS)('%s takes over the lock of a dead process, though later', async (_, wrapper) => {
    await leaveLock({ ...(await ownIdentity()), pid: endedPid() });
    expect(await tryInContainer(wrapper, 300)).toMatchObject({ took: true });
  });
});

describe('two processes that find the same lock stale', () => {
  const live = async () => JSON.stringify({ ...(await ownIdentity()), token: 'of the first' });

  test('do not both get it: the second puts the lock of the first back', async () => {
    await leaveLock({ ...(await ownIdentity()), pid: endedPid() });
    const text = await live();
    // The first takes over between the second's look and its removal.
    const undo = await beforeFileCall('rename', /setup\.lock~/, () => writeFileSync(file, text));
    try {
      expect(await tryLock(file)).toEqual({ lock: undefined, heldBy: process.pid });
    } finally {
      undo();
    }
    expect(await fs.readFile(file, 'utf8')).toBe(text);
    expect(await namesBeside()).toEqual(['setup.lock']);
  });

  test('notice it if a third got the lock in the meantime', async () => {
    const { lock } = await tryLock(file);
    await fs.writeFile(file, await live());
    expect(await lock!.isHeld()).toBe(false);
    await lock!.release();
    expect(await fs.readFile(file, 'utf8')).toBe(await live());
  });
});

describe('a lock that was taken over while its process stood still', () => {
  test('is lost, and gets no heartbeat from the process that lost it', async () => {
    const { lock } = await tryLock(file, { timing: { heartbeatMs: 20, silentMs: 300 } });
    expect(await lock!.isHeld()).toBe(true);
    await fs.writeFile(file, 'of another');
    await fs.utimes(file, 1e9, 1e9);
    await sleep(200);
    expect((await fs.stat(file)).mtimeMs).toBe(1e12);
    expect(await lock!.isHeld(1e9)).toBe(false);
  });

  test('stays lost when the other process has released it', async () => {
    const { lock } = await tryLock(file);
    await fs.rm(file);
    expect(await lock!.isHeld()).toBe(false);
  });

  test('is looked at again when the clock shows that the process stood still', async () => {
    const { lock } = await tryLock(file);
    await fs.writeFile(file, 'of another');
    expect(await lock!.isHeld(60_000)).toBe(true);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(now + 61_000);
    expect(await lock!.isHeld(60_000)).toBe(false);
  });

  test('is not lost while another process moves it aside to look at it', async () => {
    const { lock } = await tryLock(file);
    await fs.rename(file, `${file}.aside`);
    const held = lock!.isHeld();
    await fs.rename(`${file}.aside`, file);
    expect(await held).toBe(true);
    await lock!.release();
  });
});

describe('what is no lock file', () => {
  const make: [string, () => Promise<unknown>][] = [
    ['a link to nothing', () => fs.symlink('nowhere', file)],
    ['a link to a file', () => fs.symlink('../other', file)],
    ['a folder', () => fs.mkdir(file)],
  ];
  test.each(make)('(%s) is an error, and not waited for', async (_, put) => {
    await fs.mkdir(path.dirname(file));
    await fs.writeFile(path.join(folder, 'other'), 'kept');
    await put();
    await expect(tryLock(file)).rejects.toThrow(InputError);
    await expect(tryLock(file)).rejects.toThrow(/found a (link|folder); remove it/);
    expect(await isLocked(file)).toBe(false);
    expect(await namesBeside()).toEqual(['setup.lock']);
    expect(await fs.readFile(path.join(folder, 'other'), 'utf8')).toBe('kept');
  });

  test('(a pipe) is an error, and not read', async () => {
    await fs.mkdir(path.dirname(file));
    spawnSync('mkfifo', [file]);
    await expect(tryLock(file)).rejects.toThrow('neither file nor folder');
  });
});

test('a draft follows no link that somebody has put in its place', async () => {
  const victim = path.join(folder, 'victim');
  await fs.writeFile(victim, 'kept');
  const { symlinkSync } = await import('node:fs');
  const undo = await beforeFileCall('writeFile', /setup\.lock~/, (draft) => {
    if (!existsSync(draft)) symlinkSync(victim, draft);
  });
  try {
    await expect(tryLock(file)).rejects.toThrow('EEXIST');
  } finally {
    undo();
  }
  expect(await fs.readFile(victim, 'utf8')).toBe('kept');
});
