import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildWorker, fuzz } from './run-target.js';
import { allTargets } from './targets.js';

const ROOT = join(import.meta.dirname, '../..');
const SEED = 20_211_106;
const targets = Object.entries(await allTargets());

let folder = '';
let worker = '';
beforeAll(async () => {
  // In the project, where the compiled targets find packages, and as deep as src, from where they find files.
  folder = await mkdtemp(join(ROOT, '.fuzz-'));
  worker = await buildWorker(ROOT, join(folder, 'targets'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a parser of unchecked bytes returns or refuses, in bounded time and memory:', () => {
  it.each(targets)('%s', async (name, { runs }) => {
    const result = await fuzz(worker, name, { seed: SEED, runs });
    expect(result.failure, `input in base64 (${result.bytes} bytes): ${result.input}`).toBeUndefined();
    expect(result.runs).toBeGreaterThanOrEqual(runs);
  });
});
