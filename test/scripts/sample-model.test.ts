import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { writeModelFolder } from '../../src/export/model-folder.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { readModel } from '../../src/translate/model.js';
import { startChild } from '../support/child-process.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { compileGnr } from '../support/gnr.js';

let folder: string;
let checkpoint: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-scripts-'));
  await compileGnr(folder);
  await symlink('src', join(folder, 'dist'), 'dir');
  await mkdir(join(folder, 'scripts'));
  await cp('scripts/sample-model.mjs', join(folder, 'scripts', 'sample-model.mjs'));
  checkpoint = join(folder, 'checkpoint');
  const config = tinyConfig({ model: MIN_LAYERS, data: { root: join(folder, 'data') } });
  const values = initNetworks(buildNetworks(config), new Rng(1, 'init'));
  await writeModelFolder(checkpoint, { architecture: config.model, values }, { config, card: '' });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...words: string[]) {
  const code = `await import('./scripts/sample-model.mjs');`;
  const { done } = await startChild(folder, code, { args: words });
  return done;
}

test('sample-model.mjs turns a checkpoint into a model folder, and puts measured figures into its card', async () => {
  const out = join(folder, 'models', 'sample');
  await mkdir(out, { recursive: true });
  const card = '# Mine\n\n<!-- figures -->\nold\n<!-- end of figures -->\n\nThe end.\n';
  await writeFile(join(out, 'README.md'), card);
  const { stdout, stderr } = await run(checkpoint, out);
  expect(stderr).not.toContain('sample-model:');
  const result = JSON.parse(stdout) as {
    bytes: number;
    largestDifferenceLevels: number;
    figures: { correlation: { x: number }; relativeDiversity: number; anime: { correlation: { x: number } } };
  };
  expect((await readdir(out)).sort()).toEqual(['README.md', 'config.json', 'model.safetensors']);
  expect((await readFile(join(out, 'model.safetensors'))).byteLength).toBe(result.bytes);
  // The checkpoint is already in float16, so nothing is rounded.
  expect(result.largestDifferenceLevels).toBe(0);
  expect(result.figures.anime.correlation.x).toBeGreaterThan(0.95);
  const made = await readFile(join(out, 'README.md'), 'utf8');
  expect(made).toMatch(/^# Mine\n\n<!-- figures -->\n\nAfter/);
  expect(made).toMatch(/<!-- end of figures -->\n\nThe end\.\n$/);
  expect(made).not.toContain('old');
  expect(made).toContain(`${result.bytes} bytes`);
  expect(made).toContain(`| ${result.figures.relativeDiversity.toFixed(2)} | 1.00 |`);
  expect((await readFile(join(out, 'config.json'), 'utf8')).includes(folder)).toBe(false);
  expect(Object.keys((await readModel(out)).values)).toEqual(['G_A2B', 'G_B2A']);
});

test.each([
  [['only-one'], 2, 'Usage: node scripts/sample-model.mjs CHECKPOINT OUT'],
  [['no-such-checkpoint', 'out'], 2, 'Expected a checkpoint at no-such-checkpoint but found nothing'],
])('sample-model.mjs rejects %j', async (words, status, message) => {
  const outcome = await run(...words);
  expect(outcome).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(message) as string });
});
