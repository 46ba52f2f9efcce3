import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InputError, RunError } from '../../src/base/errors.js';
import { onNotice } from '../../src/base/notices.js';
import { trainRun } from '../../src/train/loop.js';
import { isRunLocked, lockRun } from '../../src/train/run-lock.js';
import { beforeFileCall } from '../support/faults.js';
import { rejection } from '../support/rejection.js';
import { RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();
afterEach(() => void vi.restoreAllMocks());

it('only one process at a time may train in a run directory, and the error names that process', async () => {
  const first = trainRun({ config: runs.config(3), runDir: runs.runDir });
  await first.next();
  const error = await rejection(runs.train(runs.config(3)));
  expect(error).toBeInstanceOf(InputError);
  expect(String(error)).toContain(`process ${process.pid}`);
  expect(await isRunLocked(runs.runDir)).toBe(true);
  for await (const _ of first);
  expect(readdirSync(runs.runDir)).not.toContain('.lock');
  expect(await isRunLocked(runs.runDir)).toBe(false);
  const latest = await runs.train(runs.config(4), { resume: true });
  expect(latest.at(-1)).toMatchObject({ type: 'end', step: 4 });
});

it('releasing the lock removes a new folder that is still empty', async () => {
  const dir = join(runs.folder, 'none');
  const lock = await lockRun(dir);
  expect(existsSync(dir)).toBe(true);
  await lock.release();
  expect(existsSync(dir)).toBe(false);
});

/** Every file of a folder with the time of its last change. */
function timesOf(folder: string): [string, number][] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return files.map((name) => [name, lstatSync(join(folder, name)).mtimeMs]);
}

describe('a process that stood still while another took its run over', () => {
  const TAKEN = '{"pid": 1, "host": "another", "boot": "another", "namespace": "another", "started": "1"}';
  const config = () =>
    runs.config(6, { checkpoint: { everySteps: 2 }, log: { everySteps: 1, sampleEverySteps: 3 } });

  it('ends at the next checkpoint, and writes none', async () => {
    const error = await rejection(
      runs.train(config(), {}, (event) => {
        if (event.type === 'step' && event.step === 3) writeFileSync(join(runs.runDir, '.lock'), TAKEN);
      }),
    );
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/Another process has taken .*run over, since this one stood still/);
    expect(readdirSync(join(runs.runDir, 'checkpoints')).sort()).toEqual(['latest', 'step-000002']);
    expect(readFileSync(join(runs.runDir, '.lock'), 'utf8')).toBe(TAKEN);
  });

  it('ends before it writes anything if the clock shows that it stood still', async () => {
    const now = Date.now.bind(Date);
    let slept = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + slept);
    let before: [string, number][] | undefined;
    const error = await rejection(
      runs.train(config(), {}, (event) => {
        if (event.type !== 'step' || event.step !== 3) return;
        writeFileSync(join(runs.runDir, '.lock'), TAKEN);
        slept = 300_000;
        before = timesOf(runs.runDir);
      }),
    );
    expect(error.message).toContain('stood still');
    expect(timesOf(runs.runDir)).toEqual(before);
  });

  it('ends before a checkpoint that it was writing gets its name', async () => {
    const undo = await beforeFileCall('write', /gnr-tmp-step-000004.*training/, () =>
      writeFileSync(join(runs.runDir, '.lock'), TAKEN),
    );
    try {
      expect((await rejection(runs.train(config()))).message).toContain('stood still');
    } finally {
      undo();
    }
    expect(readdirSync(join(runs.runDir, 'checkpoints')).sort()).toEqual(['latest', 'step-000002']);
  });
});

it('a run whose lock is of another container is watched, which its user is told', async () => {
  await mkdir(runs.runDir);
  const holder = { pid: 7, host: 'elsewhere', boot: 'another', namespace: 'another', started: '1' };
  writeFileSync(join(runs.runDir, '.lock'), JSON.stringify(holder));
  const notices: string[] = [];
  onNotice((text) => notices.push(text));
  try {
    const lock = await lockRun(runs.runDir, { timing: { heartbeatMs: 60_000, silentMs: 300 } });
    await lock.release();
  } finally {
    onNotice(() => undefined);
  }
  expect(notices).toEqual([
    `${runs.runDir} is locked by process 7 of another container or machine (elsewhere): waiting up to two minutes to see whether it still trains.`,
  ]);
});

it('a run whose lock is a link to nothing does not start, and says what to remove', async () => {
  await mkdir(runs.runDir);
  await symlink('nowhere', join(runs.runDir, '.lock'));
  const error = await rejection(runs.train(runs.config(1)));
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toBe(
    `Expected a lock file at ${join(runs.runDir, '.lock')}, or nothing but found a link; remove it.`,
  );
});
