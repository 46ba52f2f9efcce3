import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config/load.js';
import { loadEngine } from '../src/runtime/node.js';
import { drawSampleDataset } from '../src/sample/draw.js';
import { errorMessages, gnr } from './support/gnr.js';
import { recordStep } from './support/recorded-step.js';

/** Parameters of both generators and of all discriminators. */
const PARAMETERS: Record<string, [generators: number, discriminators: number]> = {
  demo: [319_458, 275_783],
  'demo-finetune': [62_900_264, 36_996_615],
  finetune: [62_900_264, 36_996_615],
  'low-memory': [18_300_456, 9_976_711],
  sample: [331_548, 275_783],
  'sample-second': [331_548, 275_783],
  selfie2anime: [62_900_264, 36_996_615],
  'selfie2anime-128': [78_440_488, 36_521_735],
  'selfie2anime-best': [62_900_264, 36_996_615],
  'selfie2anime-512': [63_146_542, 37_115_271],
  'selfie2anime-train': [87_551_022, 52_203_271],
};

/** Networks as small as any config can have them. */
const SMALL = [
  'model.size=32',
  'model.numDown=2',
  'model.channelDivisor=64',
  'model.styleDim=16',
  'model.mappingLayers=1',
  'model.residualBlocks=0',
  'model.discriminatorLocalSize=8',
  'model.discriminatorGlobalSize=8',
  'training.batch=2',
  'losses.lpips.weight=0',
  'runtime.capture=false',
];

let folder: string;
beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-configs-'));
  await drawSampleDataset({ dir: join(folder, 'data'), images: 6, testImages: 2, size: 32 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('every training config in configs/ is tested here, and names the schema', async () => {
  const names = (await readdir('configs')).filter(
    (name) => name.endsWith('.json') && !['schema.json', 'baselines.json'].includes(name),
  );
  expect(names.sort()).toEqual(
    Object.keys(PARAMETERS)
      .map((name) => `${name}.json`)
      .sort(),
  );
  for (const name of names)
    expect(JSON.parse(await readFile(join('configs', name), 'utf8'))).toMatchObject({
      $schema: './schema.json',
    });
});

describe.each(Object.keys(PARAMETERS))('configs/%s.json', (name) => {
  const file = join('configs', `${name}.json`);

  it('has networks and a training step whose shapes match, at full size', () => {
    recordStep(loadConfig({ file, overrides: [] })); // makes what all of its layers share
    const before = tf.memory().numTensors;
    const { parameters, terms, changedVectors } = recordStep(loadConfig({ file, overrides: [] }));
    expect([parameters.generators, parameters.discriminators]).toEqual(PARAMETERS[name]);
    expect(changedVectors).toEqual([]);
    expect(Object.values(terms).every((shape) => shape.length === 0)).toBe(true);
    expect(Object.keys(terms)).toContain('discriminators/r1B');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('passes a dry run of gnr train with small networks', async () => {
    const sets = [...SMALL, `data.root=${join(folder, 'data')}`].flatMap((override) => ['--set', override]);
    const { code, stdout, stderr } = await gnr(
      'train',
      '--config',
      file,
      '--out',
      'none',
      '--dry-run',
      ...sets,
    );
    expect([code, errorMessages(stderr)]).toEqual([0, []]);
    expect(stdout).toMatch(/^training +\d/m);
  });
});
