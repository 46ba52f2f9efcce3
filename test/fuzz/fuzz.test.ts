import { join } from 'node:path';
import { aroundAll, describe, expect, it } from 'vitest';
import { withRunFolder } from './run-folder.js';
import { buildWorker, fuzz } from './run-target.js';
import { targets } from './targets.js';

const ROOT = join(import.meta.dirname, '../..');
const SEED = 20_211_106;

let worker = '';
aroundAll((runTests) =>
  withRunFolder(ROOT, async (folder) => {
    worker = await buildWorker(ROOT, folder);
    await runTests();
  }),
);

describe('a parser of unchecked bytes returns or refuses, in bounded time and memory:', () => {
  it.each(Object.entries(targets))('%s', async (name, { runs }) => {
    const result = await fuzz(worker, name, { seed: SEED, runs });
    expect(result.failure, `input in base64 (${result.bytes} bytes): ${result.input}`).toBeUndefined();
    expect(result.runs).toBeGreaterThanOrEqual(runs);
  });
});
