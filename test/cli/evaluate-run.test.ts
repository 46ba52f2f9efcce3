import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { receiptSchema } from '../../src/eval/receipt.js';
import { loadEngine } from '../../src/runtime/node.js';
import { type MetricsRow, readMetrics } from '../../src/train/log/metrics-log.js';
import { errorMessages, gnr, type TinyTraining, tinyTraining } from '../support/gnr.js';
import { formulaCache } from '../support/weights.js';

const PROTOCOL = {
  name: 'tiny',
  inputs: { count: 2 },
  real: { count: 2 },
  styles: { perInput: 1 },
  metrics: { kid: { subsets: 1, subsetSize: 2 }, cycleError: {} },
};

let folder = '';
let protocol = '';
let tiny: TinyTraining;

beforeAll(async () => {
  await loadEngine();
  vi.stubEnv('GNR_CACHE_DIR', (await formulaCache('inception')).GNR_CACHE_DIR);
  folder = await mkdtemp(join(tmpdir(), 'gnr-evaluate-run-'));
  tiny = await tinyTraining(folder);
  protocol = join(folder, 'tiny-protocol.json');
  await writeFile(protocol, JSON.stringify(PROTOCOL));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const evaluation = (name: string) => [
  ...['--set', 'evaluation.everySteps=2', '--set', `evaluation.protocol=${name}`],
  ...['--set', 'checkpoint.everySteps=2', '--set', 'log.everySteps=1'],
];

describe('a run', () => {
  it('is measured during training, keeps its best checkpoint, and has the same figures afterwards', async () => {
    const runDir = join(folder, 'run');
    const words = ['--config', tiny.config, '--out', runDir, '--steps', '3', ...evaluation(protocol)];
    const best = '{"metric": "evaluation/kid", "order": "lowest"}';
    const done = await gnr('train', ...words, '--set', `checkpoint.keepBest=${best}`);
    expect([done.code, errorMessages(done.stderr)]).toEqual([0, []]);
    const rows: MetricsRow[] = [];
    for await (const row of readMetrics(join(runDir, 'metrics.jsonl'))) rows.push(row);
    const measured = rows.flatMap(({ step, terms }) =>
      terms['evaluation/kid'] === undefined
        ? []
        : [[step, terms['evaluation/kid'], terms['evaluation/cycle']]],
    );
    expect(measured.map(([step]) => step)).toEqual([2, 3]);

    const out = join(folder, 'curves');
    const curves = await gnr(
      ...['evaluate', runDir, '--every-checkpoint', '--data', tiny.dataset, '--out', out],
      ...['--protocol', protocol],
    );
    expect([curves.code, errorMessages(curves.stderr)]).toEqual([0, []]);
    expect((await readdir(out)).sort()).toEqual(['curves.html', 'step-000002.json', 'step-000003.json']);
    for (const [step, kid, cycle] of measured) {
      const path = join(out, `step-00000${step}.json`);
      const { methods, model } = receiptSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      expect(model?.step).toBe(step);
      const value = (key: string) => methods[0]!.figures.find((figure) => figure.key === key)!.value;
      // Trained kernel by kernel, evaluated as captured: not to the last bit.
      expect(value('cycle')).toBeCloseTo(cycle!, 4);
      expect(Math.abs(value('kid') / kid! - 1)).toBeLessThan(1e-2);
    }
    expect(curves.stdout).toMatch(/step 3: KID/);
  });

  it('does not begin if weights for its evaluation are missing', async () => {
    const runDir = join(folder, 'not-begun');
    const words = ['--config', tiny.config, '--out', runDir, '--steps', '1', ...evaluation('stargan-v2')];
    const done = await gnr('train', ...words);
    expect(done.code).toBe(2);
    expect(errorMessages(done.stderr).join()).toMatch(/inception-imagenet.*gnr weights fetch/);
    expect(await readdir(folder)).not.toContain('not-begun');
  });

  it('without checkpoints is rejected', async () => {
    const words = ['--every-checkpoint', '--data', tiny.dataset, '--out', join(folder, 'none')];
    const done = await gnr('evaluate', tiny.dataset, ...words, '--protocol', protocol);
    expect(done.code).toBe(2);
    expect(done.stderr).toMatch(/a run with checkpoints/);
  });
});
