import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { saveCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { generatorTensors } from '../../src/export/model-folder.js';
import { averageShares } from '../../src/export/weight-average.js';
import { buildGenerator } from '../../src/model/generator.js';
import { initParameters } from '../../src/model/parameters.js';
import { readModel } from '../../src/translate/model.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { errorMessages, gnr } from '../support/gnr.js';

const config = tinyConfig({ model: MIN_LAYERS });
const { specs } = buildGenerator(config.model);
const tree = (name: string) => initParameters(specs, new Rng(1, name));
const [start, slope] = [tree('start'), tree('slope')];

/** Weights that move along a line: after `step` steps, `start + step / 10 * slope`. */
const at = (step: number) =>
  Object.fromEntries(
    Object.entries(start).map(([path, data]) => [
      path,
      data.map((x, i) => x + (step / 10) * slope[path]![i]!),
    ]),
  );

let shared: string;
let run: string;
let folder: string;
let out: string;

async function save(dir: string, step: number, stored = config) {
  const values = { G_A2B: at(step), G_B2A: at(step + 1) };
  const model = generatorTensors({ architecture: stored.model, values }, 'float32');
  await saveCheckpoint(dir, step, { model, training: new Map(), state: {}, config: stored });
}

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-average-'));
  run = join(shared, 'run');
  for (const step of [1, 2, 3, 8]) await save(run, step);
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-average-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const averaged = (checkpoint: string, ...words: string[]) =>
  gnr('export', checkpoint, '--format', 'safetensors', '--out', out, ...words);

test('each checkpoint counts for the steps around it', () => {
  expect(averageShares([0, 10])).toEqual([0.5, 0.5]);
  expect(averageShares([0, 10, 20])).toEqual([0.25, 0.5, 0.25]);
  expect(averageShares([2, 3, 8])).toEqual([1 / 12, 6 / 12, 5 / 12]);
});

test('--average exports the mean over the steps, so that of a line is its middle, however the steps lie', async () => {
  const { code, stdout, stderr } = await averaged(run, '--average', '2');
  expect([code, errorMessages(stderr)]).toEqual([0, []]);
  expect(stdout).toContain('the mean of 3 checkpoints up to');
  const { values } = await readModel(out);
  for (const [network, step] of [
    ['G_A2B', 5],
    ['G_B2A', 6],
  ] as const)
    for (const [path, expected] of Object.entries(at(step)))
      for (const [i, value] of values[network]![path]!.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  expect(await readFile(join(out, 'README.md'), 'utf8')).toContain(
    '| weights | mean of the EMA weights of 3 checkpoints, steps 2 to 8 |',
  );
});

test('the mean ends at the checkpoint that is named', async () => {
  expect(await averaged(join(run, 'checkpoints', 'step-000003'), '--average', '1')).toMatchObject({
    code: 0,
  });
  const { values } = await readModel(out);
  const [path, expected] = Object.entries(at(2))[0]!;
  for (const [i, value] of values.G_A2B![path]!.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
});

test('the mean of a run is exported again as any model, in other formats too', async () => {
  expect(await averaged(run, '--average', '1')).toMatchObject({ code: 0 });
  const again = await gnr('export', out, '--format', 'tfjs', '--out', join(folder, 'web'));
  expect([again.code, errorMessages(again.stderr)]).toEqual([0, []]);
});

test.each([
  ['one checkpoint', ['--average', '4'], 'found that of step 8 alone'],
  ['no checkpoint', ['--average', '9'], 'found none'],
  ['no number', ['--average', 'late'], 'The value of --average is not a number'],
  ['a part of a step', ['--average', '1.5'], 'a step for --average'],
  ['a receipt', ['--average', '1', '--receipt', 'receipt.json'], '--average without --receipt'],
  ['another format', ['--average', '1', '--format', 'onnx'], 'options of --format onnx but found --average'],
])('--average with %s is refused, and writes nothing', async (_, words, message) => {
  const format = words.includes('--format') ? [] : ['--format', 'safetensors'];
  const { code, stderr } = await gnr('export', run, ...format, '--out', out, ...words);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(await readdir(folder)).toEqual([]);
});

test('--average of a model that is not in a run is refused', async () => {
  expect(await averaged(run)).toMatchObject({ code: 0 });
  const { code, stderr } = await gnr(
    ...['export', out, '--format', 'safetensors', '--out', join(folder, 'mean'), '--average', '1'],
  );
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('a run or one of its checkpoints for --average'),
  ]);
});

test('--average names a checkpoint of another architecture, and one that is damaged', async () => {
  const other = join(folder, 'run');
  const model = { ...config.model, mappingRate: config.model.mappingRate / 2 };
  await save(other, 1, { ...config, model });
  await save(other, 2);
  await save(other, 3);
  const grown = await averaged(other, '--average', '0');
  expect([grown.code, grown.stderr]).toEqual([2, expect.stringContaining('a step after 1 with --average')]);
  const damaged = join(other, 'checkpoints', 'step-000002', 'model.safetensors');
  await writeFile(damaged, (await readFile(damaged)).subarray(0, -4));
  const { code, stderr } = await averaged(other, '--average', '2');
  expect([code, stderr]).toEqual([2, expect.stringContaining(damaged)]);
  expect(await readdir(folder)).toEqual(['run']);
});
