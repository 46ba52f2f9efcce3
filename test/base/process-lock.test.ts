import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { withLock } from '../../src/base/process-lock.js';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'gnr-lock-'));
  file = path.join(folder, 'inside', 'setup.lock');
});

afterEach(() => fs.rm(folder, { recursive: true, force: true }));

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
  expect(await fs.readdir(path.dirname(file))).toEqual([]);
});

test('withLock releases the lock if the work fails', async () => {
  const failure = withLock(file, () => Promise.reject(new Error('failed')));
  await expect(failure).rejects.toThrow('failed');
  expect(await withLock(file, async () => 'done')).toBe('done');
});

async function leaveLock(holder: unknown): Promise<void> {
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, typeof holder === 'string' ? holder : JSON.stringify(holder));
}

test('withLock takes the lock over from a process that has ended', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await leaveLock({ pid, host: os.hostname(), started: '12345' });
  expect(await withLock(file, async () => 'done')).toBe('done');
});

test('withLock takes the lock over if the process id now belongs to another process', async () => {
  await leaveLock({ pid: process.pid, host: os.hostname(), started: '1' });
  expect(await withLock(file, async () => 'done')).toBe('done');
});

test('withLock takes over a lock of another machine, or an unreadable one, only without a heartbeat', async () => {
  for (const holder of [{ pid: 1, host: 'elsewhere', started: '1' }, 'not JSON']) {
    await leaveLock(holder);
    const controller = new AbortController();
    const waiting = withLock(file, async () => 'done', {
      signal: controller.signal,
      onWait: () => controller.abort(),
    });
    await expect(waiting).rejects.toThrow(InterruptedError);
    const past = new Date(Date.now() - 10 * 60_000);
    await fs.utimes(file, past, past);
    expect(await withLock(file, async () => 'done')).toBe('done');
  }
});
