import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileGnr } from '../support/gnr.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-soak-test-'));
  await compileGnr(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('long and large work stays within its budgets of memory and counts, in the short form', async () => {
  const json = join(folder, 'results.json');
  const words = ['scripts/soak/run.mjs', '--short', '--program', join(folder, 'src'), '--json', json];
  // It ends with 1 if something is wrong, which the results say.
  await promisify(execFile)(process.execPath, words).catch(() => undefined);
  const results = JSON.parse(await readFile(json, 'utf8')) as { name: string; wrong: string[] }[];
  expect(results.map(({ name }) => name)).toEqual(['images', 'metrics', 'evaluation', 'steps', 'video']);
  expect(results.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
});
