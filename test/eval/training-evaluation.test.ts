import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, configSchema, type PartialConfig } from '../../src/config/schema.js';
import { TrainingEvaluation } from '../../src/eval/training-evaluation.js';
import { loadEngine } from '../../src/runtime/node.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { FACTORS_FILE } from '../../src/sample/factors-file.js';
import { TINY } from '../support/config.js';
import { rejectionMessage } from '../support/rejection.js';

let folder = '';
beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-training-evaluation-'));
  await drawSampleDataset({ dir: join(folder, 'sample'), images: 2, testImages: 3, size: 32 });
  await drawSampleDataset({ dir: join(folder, 'other'), images: 2, testImages: 3, size: 32 });
  await rm(join(folder, 'other', FACTORS_FILE));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function configOf(keepBest: Partial<Config['checkpoint']['keepBest']>, data = 'sample'): Config {
  const config: PartialConfig = {
    ...TINY,
    data: { root: join(folder, data) },
    checkpoint: { everySteps: 2, keepBest: keepBest as { metric: string } },
    evaluation: { everySteps: 2, protocol: 'sample' },
  };
  return configSchema.parse(config);
}

describe('TrainingEvaluation.open with checkpoint.keepBest', () => {
  it('opens for a figure of the protocol, without weights of other networks', async () => {
    for (const [metric, order] of [
      ['evaluation/landmarks/within5', 'highest'],
      ['evaluation/spectrum', 'lowest'],
      ['generators/cycle', 'highest'],
    ] as const) {
      const evaluation = await TrainingEvaluation.open(configOf({ metric, order }));
      expect(evaluation).toBeDefined();
      await evaluation!.close();
    }
  });

  it('rejects a figure that the protocol does not give, and names those that it gives', async () => {
    const opened = TrainingEvaluation.open(configOf({ metric: 'evaluation/within5' }));
    expect(await rejectionMessage(opened)).toMatch(
      /a figure of the protocol sample: .*evaluation\/landmarks\/within5.*found evaluation\/within5/,
    );
  });

  it('rejects a figure that cannot be measured on the dataset, and says why', async () => {
    const keepBest = { metric: 'evaluation/landmarks/within5', order: 'highest' } as const;
    expect(await rejectionMessage(TrainingEvaluation.open(configOf(keepBest, 'other')))).toMatch(
      /measure evaluation\/landmarks\/within5.*only the sample dataset has known factors/,
    );
  });

  it('rejects the order that would keep the worst', async () => {
    const opened = TrainingEvaluation.open(configOf({ metric: 'evaluation/landmarks/found' }));
    expect(await rejectionMessage(opened)).toMatch(
      /order highest, since higher evaluation\/landmarks\/found/,
    );
  });
});

it('TrainingEvaluation.open reads the factors of the dataset only if a metric of the protocol needs them', async () => {
  await cp(join(folder, 'sample'), join(folder, 'newer'), { recursive: true });
  await writeFile(join(folder, 'newer', FACTORS_FILE), '{"format": "gnr-sample-factors", "version": 2}');
  const protocol = join(folder, 'spectrum.json');
  await writeFile(protocol, JSON.stringify({ name: 'own', metrics: { spectrum: {} } }));
  const config = configOf({ metric: 'evaluation/spectrum', order: 'lowest' }, 'newer');
  const own = { ...config, evaluation: { ...config.evaluation, protocol } };
  const evaluation = await TrainingEvaluation.open(own);
  expect(evaluation).toBeDefined();
  await evaluation!.close();
  expect(await rejectionMessage(TrainingEvaluation.open(config))).toMatch(/version 1 in .*factors\.json/);
});

describe('a config whose checkpoint.keepBest names a figure of an evaluation', () => {
  const broken = (evaluation: PartialConfig['evaluation']) =>
    configSchema.safeParse({
      ...TINY,
      checkpoint: { everySteps: 10, keepBest: { metric: 'evaluation/fid' } },
      evaluation,
    }).error?.issues;

  it('is rejected without evaluations', () => {
    expect(broken({})).toMatchObject([{ path: ['evaluation', 'everySteps'] }]);
  });

  it('is rejected if evaluations do not fall on checkpoints', () => {
    expect(broken({ everySteps: 15 })).toMatchObject([
      { path: ['evaluation', 'everySteps'], message: expect.stringMatching(/multiple or a divisor.*\(10\)/) },
    ]);
    for (const everySteps of [5, 10, 30]) expect(broken({ everySteps })).toBeUndefined();
  });
});
