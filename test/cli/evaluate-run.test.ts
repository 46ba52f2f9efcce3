import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stepName } from '../../src/base/step-names.js';
import { resolveCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { receiptSchema } from '../../src/eval/receipt.js';
import { loadEngine } from '../../src/runtime/node.js';
import { readMetrics } from '../../src/train/log/metrics-log.js';
import { errorMessages, gnr, type Outcome, type TinyTraining, tinyTraining } from '../support/gnr.js';
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

/** What evaluations during training have logged. */
interface LoggedFigures {
  step: number;
  kid: number;
  cycle: number;
}

describe('a run with evaluation.everySteps', () => {
  let runDir: string;
  let trained: Outcome;
  let logged: LoggedFigures[];
  beforeAll(async () => {
    runDir = join(folder, 'run');
    const words = ['--config', tiny.config, '--out', runDir, '--steps', '3', ...evaluation(protocol)];
    const best = '{"metric": "evaluation/kid", "order": "lowest"}';
    trained = await gnr('train', ...words, '--set', `checkpoint.keepBest=${best}`);
    logged = [];
    for await (const { step, terms } of readMetrics(join(runDir, 'metrics.jsonl'))) {
      const kid = terms['evaluation/kid'];
      if (kid !== undefined) logged.push({ step, kid, cycle: terms['evaluation/cycle']! });
    }
  });

  it('ends with exit code 0 and no message on standard error', () => {
    expect([trained.code, errorMessages(trained.stderr)]).toEqual([0, []]);
  });

  it('logs the figures every so many steps and at its end', () => {
    expect(logged.map(({ step }) => step)).toEqual([2, 3]);
  });

  it('keeps the checkpoint with the best figure', async () => {
    const [first, last] = logged;
    const best = last!.kid < first!.kid ? last! : first!;
    const { dir } = await resolveCheckpoint(join(runDir, 'checkpoints', 'best'));
    expect(basename(dir)).toBe(stepName(best.step));
  });

  it('has the same figures in gnr evaluate --every-checkpoint', async () => {
    const out = join(folder, 'curves');
    const curves = await gnr(
      ...['evaluate', runDir, '--every-checkpoint', '--data', tiny.dataset, '--out', out],
      ...['--protocol', protocol],
    );
    expect([curves.code, errorMessages(curves.stderr)]).toEqual([0, []]);
    expect((await readdir(out)).sort()).toEqual(['curves.html', 'step-000002.json', 'step-000003.json']);
    for (const { step, kid, cycle } of logged) {
      const path = join(out, `step-00000${step}.json`);
      const { methods, model } = receiptSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      expect(model?.step).toBe(step);
      const value = (key: string) => methods[0]!.figures.find((figure) => figure.key === key)!.value;
      // Trained kernel by kernel, evaluated as captured: not to the last bit.
      expect(value('cycle')).toBeCloseTo(cycle, 4);
      expect(Math.abs(value('kid') / kid - 1)).toBeLessThan(1e-2);
    }
    expect(curves.stdout).toMatch(/step 3: .*KID/);
  });
});

describe('a run that keeps the best by landmarks', () => {
  const words = (out: string) => [
    ...['--config', tiny.config, '--out', out, ...evaluation('sample')],
    ...['--set', 'checkpoint.keepBest={"metric": "evaluation/landmarks/mean", "order": "lowest"}'],
  ];
  const rows = async (runDir: string) => {
    const all: Record<string, number>[] = [];
    for await (const { terms } of readMetrics(join(runDir, 'metrics.jsonl')))
      all.push(Object.fromEntries(Object.entries(terms).filter(([key]) => key.startsWith('evaluation/'))));
    return all;
  };

  it('logs the figures, keeps the best, and goes on to the bit after a stop', async () => {
    const [straight, stopped] = [join(folder, 'straight'), join(folder, 'stopped')];
    const done = await gnr('train', ...words(straight), '--steps', '4');
    expect([done.code, errorMessages(done.stderr)]).toEqual([0, []]);
    const first = await gnr('train', ...words(stopped), '--steps', '2');
    expect(first.code).toBe(0);
    const rest = await gnr('train', '--out', stopped, '--resume', '--steps', '4');
    expect(rest.code).toBe(0);
    const figures = await rows(straight);
    expect(figures.map((row) => 'evaluation/landmarks/within5' in row)).toEqual([false, true, false, true]);
    expect(figures.map((row) => Object.keys(row).length > 0)).toEqual([false, true, false, true]);
    expect(await rows(stopped)).toEqual(figures);
    const bestOf = async (runDir: string) =>
      basename((await resolveCheckpoint(join(runDir, 'checkpoints', 'best'))).dir);
    const errors = figures.map((row) => row['evaluation/landmarks/mean'] ?? Number.POSITIVE_INFINITY);
    const best = stepName(1 + errors.indexOf(Math.min(...errors)));
    expect(await bestOf(straight)).toBe(best);
    expect(await bestOf(stopped)).toBe(best);
    const model = (runDir: string) =>
      readFile(join(runDir, 'checkpoints', 'step-000004', 'model.safetensors'));
    expect((await model(straight)).equals(await model(stopped))).toBe(true);
  });

  it('has the cost of an evaluation in its forecast', async () => {
    const { code, stdout } = await gnr('train', ...words(join(folder, 'none')), '--steps', '4', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^evaluation {4}\d+\.\d\d s every 2 steps \(protocol sample\)$/m);
  });
});

describe('evaluation of a run', () => {
  it('is rejected by gnr train before its first step if weights are missing', async () => {
    const runDir = join(folder, 'not-begun');
    const words = ['--config', tiny.config, '--out', runDir, '--steps', '1', ...evaluation('stargan-v2')];
    const done = await gnr('train', ...words);
    expect(done.code).toBe(2);
    expect(errorMessages(done.stderr).join()).toMatch(/inception-imagenet.*gnr weights fetch/);
    expect(await readdir(folder)).not.toContain('not-begun');
  });

  it('is rejected by gnr evaluate --every-checkpoint for a folder without checkpoints', async () => {
    const words = ['--every-checkpoint', '--data', tiny.dataset, '--out', join(folder, 'none')];
    const done = await gnr('evaluate', tiny.dataset, ...words, '--protocol', protocol);
    expect(done.code).toBe(2);
    expect(done.stderr).toMatch(/a run with checkpoints/);
  });
});
