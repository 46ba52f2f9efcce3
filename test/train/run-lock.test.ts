import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { trainRun } from '../../src/train/loop.js';
import { isRunLocked, lockRun } from '../../src/train/run-lock.js';
import { rejection } from '../support/rejection.js';
import { RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

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
  const release = await lockRun(dir);
  expect(existsSync(dir)).toBe(true);
  await release();
  expect(existsSync(dir)).toBe(false);
});
