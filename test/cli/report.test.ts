import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gnr } from '../support/gnr.js';
import { RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

it('gnr report writes the page of a finished run again, and prints its path', async () => {
  await runs.train(runs.config(2, { log: { everySteps: 1 } }));
  const path = join(runs.runDir, 'report.html');
  const withoutTime = async () => (await readFile(path, 'utf8')).replace(/Page written.*?<\/dd>/, '');
  const before = await withoutTime();
  await rm(path);
  expect(await gnr('report', runs.runDir)).toEqual({ code: 0, stdout: `${path}\n`, stderr: '' });
  expect(await withoutTime()).toBe(before);
  expect(before).toContain('Finished: all 2 steps are done.');
});

it('gnr report rejects a folder that is not a run', async () => {
  const { code, stderr } = await gnr('report', runs.folder);
  expect([code, stderr]).toEqual([
    2,
    `gnr: Expected a run directory at ${runs.folder} but found no config.json in it; pass the folder that was given to gnr train --out.\n`,
  ]);
  expect((await gnr('report')).code).toBe(2);
});
