import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError, RunError } from '../../src/base/errors.js';
import { stepName } from '../../src/base/step-names.js';
import { latestCheckpoint, readCheckpoint, resolveCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { formatConfig, loadConfig } from '../../src/config/load.js';
import { buildNetworks } from '../../src/gan/networks.js';
import type { TrainEvent } from '../../src/train/events.js';
import { trainRun } from '../../src/train/loop.js';
import { rejection } from '../support/rejection.js';
import { areEqual, ofType, RunFolders } from '../support/runs.js';
import { readEvents } from './log/tensorboard/record-reader.js';

const runs = RunFolders.prepare();

describe('a run', () => {
  const fiveSteps = () =>
    runs.config(5, {
      checkpoint: { everySteps: 2, keepLast: 2 },
      log: { everySteps: 2, sampleEverySteps: 2 },
    });

  let runDir: string;
  let events: TrainEvent[];
  beforeAll(async () => {
    runDir = join(runs.shared, 'five-steps');
    events = await runs.train(fiveSteps(), { runDir });
  });

  it('yields its events in order', () => {
    expect(events.map((event) => `${event.type} ${'step' in event ? event.step : ''}`)).toEqual([
      'start 0',
      'samples 0',
      'step 1',
      'step 2',
      'samples 2',
      'checkpoint 2',
      'step 3',
      'step 4',
      'samples 4',
      'checkpoint 4',
      'step 5',
      'samples 5',
      'checkpoint 5',
      'end 5',
    ]);
    expect(ofType(events, 'end')[0]!.interrupted).toBe(false);
  });

  it('starts with the number of parameters of its networks', () => {
    const { generators, discriminators } = buildNetworks(fiveSteps());
    expect(ofType(events, 'start')[0]!.parameters).toEqual({
      generators: generators.parameterCount,
      discriminators: discriminators.parameterCount,
    });
  });

  it('writes config, metrics, samples, checkpoints and page into its folder', async () => {
    expect((await readdir(runDir)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'report.html',
      'samples',
      'tensorboard',
    ]);
  });

  it('writes a config that loads as the one it was started with', () => {
    expect(loadConfig({ file: join(runDir, 'config.json'), overrides: [] })).toEqual(fiveSteps());
  });

  it('writes samples of both weights every log.sampleEverySteps steps and at its end', async () => {
    expect((await readdir(join(runDir, 'samples'))).sort()).toEqual(
      [0, 2, 4, 5].flatMap((step) => [`${stepName(step)}-raw.png`, `${stepName(step)}.png`]),
    );
  });

  it('keeps the checkpoint.keepLast newest checkpoints', async () => {
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual([
      'latest',
      'step-000004',
      'step-000005',
    ]);
  });

  it('writes rows of metrics with the terms of their steps', async () => {
    const rows = await runs.metrics(runDir);
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 4]);
    const steps = ofType(events, 'step');
    for (const { step, terms, learningRate, seconds, rssBytes } of rows) {
      const event = steps[step - 1]!;
      expect([learningRate, seconds]).toEqual([event.learningRate, event.seconds]);
      expect(terms).toMatchObject(event.terms);
      expect(rssBytes).toBeLessThanOrEqual(totalmem());
    }
    expect(rows.map(({ stepsPerSecond = 0 }) => stepsPerSecond > 0)).toEqual([false, true, true]);
  });

  it('writes terms that not every step has into the next row', async () => {
    const steps = ofType(events, 'step');
    const penalties = (await runs.metrics(runDir)).map(({ terms }) => terms['discriminators/r1A']);
    // The second step has no penalty; the third has one, which the row of the fourth shows.
    expect(penalties).toEqual(
      [steps[0], undefined, steps[2]].map((event) => event?.terms['discriminators/r1A']),
    );
    expect(penalties[2]).toBeDefined();
  });

  it('has its config in every checkpoint', async () => {
    const { config } = await readCheckpoint(runs.checkpointAt(5, runDir));
    expect(config).toEqual(JSON.parse(formatConfig(fiveSteps())));
  });

  it('logs rows, samples and weights for TensorBoard, in a new file after each resume', async () => {
    const changes = { log: { everySteps: 1, sampleEverySteps: 2 } };
    await runs.train(runs.config(2, changes));
    await runs.train(runs.config(4, changes), { resume: true });
    const dir = join(runs.runDir, 'tensorboard');
    const files = await Promise.all((await readdir(dir)).sort().map((name) => readEvents(join(dir, name))));
    const found = files.map(({ events }) => ({
      starts: events.filter((event) => event.sessionStatus !== undefined).map(({ step }) => step),
      scalars: events.filter((event) => event.scalars).map(({ step }) => step),
      images: events.filter((event) => event.images?.['samples/averages']).map(({ step }) => step),
      raw: events.filter((event) => event.images?.['samples/weights']).map(({ step }) => step),
      weights: events.filter((event) => event.histograms?.['weights/G_A2B/encoder']).map(({ step }) => step),
    }));
    expect(found).toEqual([
      { starts: [0], scalars: [1, 2], images: [0, 2], raw: [0, 2], weights: [2] },
      { starts: [3], scalars: [3, 4], images: [4], raw: [4], weights: [4] },
    ]);
  });

  it('writes no TensorBoard log with log.tensorboard=false', async () => {
    await runs.train(runs.config(1, { log: { tensorboard: false } }));
    expect(await readdir(runs.runDir)).not.toContain('tensorboard');
  });

  it('adds R1 penalties every training.r1EverySteps steps', async () => {
    const steps = ofType(await runs.train(runs.config(4, { training: { r1EverySteps: 3 } })), 'step');
    expect(steps.map(({ terms }) => 'discriminators/r1A' in terms)).toEqual([true, false, false, true]);
  });

  it('halves the learning rate every training.decayEverySteps steps', async () => {
    const steps = ofType(await runs.train(runs.config(4, { training: { decayEverySteps: 2 } })), 'step');
    expect(steps.map(({ learningRate }) => learningRate)).toEqual([0.002, 0.002, 0.001, 0.001]);
  });

  it('has the same weights for the same seed, and others for another', async () => {
    const other = join(runs.folder, 'other');
    const reseeded = join(runs.folder, 'reseeded');
    await runs.train(runs.config(2));
    await runs.train(runs.config(2), { runDir: other });
    await runs.train(runs.config(2, { training: { seed: 2 } }), { runDir: reseeded });
    expect(areEqual(await runs.weightsAt(2, runs.runDir), await runs.weightsAt(2, other))).toBe(true);
    expect((await runs.weightsAt(2))[0]!.equals((await runs.weightsAt(2, reseeded))[0]!)).toBe(false);
  });

  it('frees its tensors at its end', async () => {
    // The runs above made what is made once.
    const before = tf.memory().numTensors;
    await runs.train(runs.config(1));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('frees its tensors if its events are not read to the end', async () => {
    const before = tf.memory().numTensors;
    for await (const event of trainRun({ config: runs.config(3), runDir: runs.runDir }))
      if (event.type === 'step') break;
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a run with an odd batch', () => {
  const warnings = (events: Awaited<ReturnType<typeof runs.train>>): string =>
    ofType(events, 'warning')
      .map(({ text }) => text)
      .join('\n');

  it.each(['main', 'train'] as const)(
    'of one image has finite losses and a warning: variant %s',
    async (variant) => {
      const form = variant === 'train' ? 'cosine' : 'variance';
      const losses = { styleConsistency: { form } } as const;
      const events = await runs.train(runs.config(2, { model: { variant }, training: { batch: 1 }, losses }));
      for (const { terms } of ofType(events, 'step'))
        for (const [name, value] of Object.entries(terms)) expect(Number.isFinite(value), name).toBe(true);
      expect(warnings(events)).toMatch(/training\.batch is 1: .*nothing to compare/);
    },
  );
  it('larger than the folders repeats their images, with a warning for each', async () => {
    const events = await runs.train(runs.config(1, { training: { batch: 9 } }));
    expect(warnings(events).split('\n')).toHaveLength(2);
    expect(warnings(events)).toMatch(/trainA has fewer images \(\d\) than training\.batch \(9\)/);
  });
  it('that microBatch does not divide gives the losses of the whole batch', async () => {
    const lossesOf = async (microBatch: number | null) => {
      await rm(runs.runDir, { recursive: true, force: true });
      const events = await runs.train(runs.config(2, { training: { batch: 3 }, runtime: { microBatch } }));
      return ofType(events, 'step').map(({ terms }) => terms);
    };
    const [parts, whole] = [await lossesOf(2), await lossesOf(null)];
    for (const [i, terms] of whole.entries())
      for (const [name, value] of Object.entries(terms))
        expect(Math.abs(parts[i]![name]! - value), name).toBeLessThan(1e-3 * Math.max(1, Math.abs(value)));
  });
});

describe('a run that diverges', () => {
  it('ends with the name of the term and the step, and keeps the earlier checkpoint', async () => {
    await runs.train(runs.config(2));
    const expected = await runs.weightsAt(2);
    const error = await rejection(
      runs.train(runs.config(9, { training: { learningRate: 1e30 } }), { resume: true }),
    );
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(
      /^The loss term \S+ is (NaN|-?Infinity) after step [34]: training has diverged/,
    );
    expect(error.message).toContain(runs.runDir);
    expect(await latestCheckpoint(runs.runDir)).toEqual({ dir: runs.checkpointAt(2), step: 2 });
    expect(areEqual(await runs.weightsAt(2), expected)).toBe(true);
    expect((await readCheckpoint(runs.checkpointAt(2))).step).toBe(2);
  });
});

describe('a run that diverges with watch.onNonFinite=rollback', () => {
  const diverging = (rollbackFactor: number) =>
    runs.config(6, {
      training: { learningRate: 1e30 },
      checkpoint: { everySteps: 4 },
      watch: { onNonFinite: 'rollback', rollbackFactor, maxRollbacks: 2 },
    });

  let start: string;
  let whole: string;
  let events: TrainEvent[];
  beforeAll(async () => {
    [start, whole] = [join(runs.shared, 'start'), join(runs.shared, 'whole')];
    await runs.train(runs.config(2), { runDir: start });
    await cp(start, whole, { recursive: true });
    events = await runs.train(diverging(1e-33), { runDir: whole, resume: true });
  });

  it('continues from the newest checkpoint with a smaller learning rate', async () => {
    const [rollback] = ofType(events, 'rollback');
    expect(ofType(events, 'rollback').length).toBe(1);
    expect(rollback).toMatchObject({ to: 2, rateScale: 1e-33 });
    expect([3, 4]).toContain(rollback!.from);
    expect(rollback!.error.message).toMatch(/^The loss term \S+ is (NaN|-?Infinity)/);
    const after = events.slice(events.indexOf(rollback!) + 1);
    expect(after[0]).toMatchObject({ type: 'start', step: 2 });
    expect(ofType(after, 'step').map(({ step, learningRate }) => [step, learningRate / 1e-3])).toEqual(
      [3, 4, 5, 6].map((step) => [step, expect.closeTo(1)]),
    );
    expect((await runs.metrics(whole)).map(({ step }) => step)).toEqual([1, 2, 4, 6]);
  });

  it('starts from the same checkpoint however slow the machine is and however many it saves in between', async () => {
    const slow = runs.runDir;
    await cp(start, slow, { recursive: true });
    let minutes = 0;
    const repeated = await runs.train(
      diverging(1e-33),
      { runDir: slow, resume: true, clock: () => minutes * 60_000 },
      ({ type }) => {
        if (type === 'step') minutes += 40;
      },
    );
    expect(ofType(repeated, 'checkpoint').map(({ step }) => step)).toContain(3);
    expect(ofType(repeated, 'rollback')).toMatchObject([{ to: 2 }]);
    expect(areEqual(await runs.weightsAt(6, slow), await runs.weightsAt(6, whole))).toBe(true);
  });

  it('keeps the smaller learning rate when it is stopped and resumed', async () => {
    const config = diverging(1e-33);
    const stopped = runs.runDir;
    await cp(start, stopped, { recursive: true });
    const controller = new AbortController();
    let isBack = false;
    await runs.train(config, { runDir: stopped, resume: true, signal: controller.signal }, (event) => {
      if (event.type === 'rollback') isBack = true;
      if (isBack && event.type === 'step' && event.step === 5) controller.abort();
    });
    await runs.train(config, { runDir: stopped, resume: true });
    expect(areEqual(await runs.weightsAt(6, stopped), await runs.weightsAt(6, whole))).toBe(true);
  });

  it('starts again if there is no checkpoint, and ends after maxRollbacks rollbacks to one step', async () => {
    const rollbacks: string[] = [];
    const error = await rejection(
      runs.train(diverging(0.5), {}, (event) => {
        if (event.type === 'rollback') rollbacks.push(`to ${event.to} with ${event.rateScale}`);
      }),
    );
    expect(rollbacks).toEqual(['to 0 with 0.5', 'to 0 with 0.25']);
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain('training has diverged');
  });
});

describe('a run with watch or keepBest', () => {
  it('measures style diversity every watch.everySteps steps, warns, and logs both', async () => {
    const config = runs.config(4, {
      watch: { everySteps: 2, fromStep: 3, minDiversity: 1 },
      log: { everySteps: 1 },
    });
    const events = await runs.train(config);
    const rows = await runs.metrics();
    const measured = rows.map(({ terms }) => terms['signals/styleDiversity']);
    expect(measured.map((value) => value !== undefined)).toEqual([false, true, false, true]);
    expect(measured[3]).toBeGreaterThan(0);
    expect(ofType(events, 'warning').map(({ step }) => step)).toEqual([4]);
    expect(rows.map((row) => row.warnings)).toEqual([
      undefined,
      undefined,
      undefined,
      [expect.stringContaining('styles hardly change the images')],
    ]);
    for (const { terms } of rows)
      for (const domain of ['A', 'B'])
        expect(Math.abs(terms[`signals/realSign${domain}`]!)).toBeLessThanOrEqual(1);
  });

  it('neither warns nor chooses a checkpoint in the initialization phase', async () => {
    const config = runs.config(4, {
      training: { initialization: { steps: 2 } },
      losses: { identity: 5 },
      watch: { everySteps: 1, fromStep: 0, minDiversity: 1 },
      checkpoint: {
        everySteps: 1,
        keepLast: 1,
        keepBest: { metric: 'generators/cycle' },
      },
    });
    const events = await runs.train(config);
    expect(ofType(events, 'warning').map(({ step }) => step)).toEqual([3]);
    const values = ofType(events, 'step').map(({ terms }) => terms['generators/cycle']!);
    expect(values[0]).toBe(0);
    const best = values[2]! < values[3]! ? 3 : 4;
    expect((await resolveCheckpoint(join(runs.runDir, 'checkpoints', 'best'))).dir).toBe(
      runs.checkpointAt(best),
    );
  });

  it('keeps the best checkpoint by a metric', async () => {
    const config = runs.config(4, {
      checkpoint: { everySteps: 1, keepLast: 1, keepBest: { metric: 'generators/cycle' } },
    });
    const events = await runs.train(config);
    const values = ofType(events, 'step').map(({ terms }) => terms['generators/cycle']!);
    const best = 1 + values.indexOf(Math.min(...values));
    const names = await readdir(join(runs.runDir, 'checkpoints'));
    expect(names.sort()).toEqual([...new Set(['best', 'latest', `step-00000${best}`, 'step-000004'])]);
    expect((await resolveCheckpoint(join(runs.runDir, 'checkpoints', 'best'))).dir).toBe(
      runs.checkpointAt(best),
    );
  });

  it('warns if the metric of checkpoint.keepBest has no value, and names similar ones', async () => {
    const config = runs.config(1, { checkpoint: { keepBest: { metric: 'cycle' } } });
    const [warning] = ofType(await runs.train(config), 'warning');
    expect(warning!.text).toMatch(/checkpoint\.keepBest\.metric\b.*\bcycle\b.*no value/);
    expect(warning!.text).toContain('generators/cycle');
  });
});

describe('a run that diverges in the step of a checkpoint', () => {
  it('does not save weights that are not finite', async () => {
    // Without adversarial losses, the first step's terms are those of the initial weights.
    const losses = { adversarial: 0, latentAdversarial: 0 };
    const error = await rejection(runs.train(runs.config(1, { losses, training: { learningRate: 1e39 } })));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(
      /^\S+\/\S+ has weights that are not finite after step 1: training has diverged\. Start again with a smaller training\.learningRate\.$/,
    );
    expect(await readdir(join(runs.runDir, 'checkpoints'))).toEqual([]);
  });
});

describe('a run with damaged or missing images', () => {
  it('reports a damaged file once and continues without it', async () => {
    const damaged = join(runs.folder, 'damaged');
    await cp(runs.dataset, damaged, { recursive: true });
    const file = join(damaged, 'trainA', '00001.jpg');
    await rm(join(damaged, 'trainA', '00001.png'));
    await writeFile(file, Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'));
    const events = await runs.train(runs.config(6, { data: { root: damaged } }));
    const bad = ofType(events, 'bad-file');
    expect(bad.map((event) => event.file)).toEqual([file]);
    expect(String(bad[0]!.error)).toContain('00001.jpg');
    expect(ofType(events, 'end')[0]!.step).toBe(6);
  });

  it('skips a damaged image of the samples and reports it at the start', async () => {
    const root = join(runs.folder, 'damaged');
    await cp(runs.dataset, root, { recursive: true });
    const file = join(root, 'testA', '00000.png');
    await writeFile(file, 'no image');
    const events = await runs.train(runs.config(1, { data: { root } }));
    expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['start', 'bad-file', 'samples']);
    expect(ofType(events, 'bad-file').map((event) => event.file)).toEqual([file]);
  });

  it('is rejected if every image of the samples is damaged', async () => {
    const root = join(runs.folder, 'damaged');
    await cp(runs.dataset, root, { recursive: true });
    for (const name of await readdir(join(root, 'testA')))
      await writeFile(join(root, 'testA', name), 'no image');
    expect(await rejection(runs.train(runs.config(1, { data: { root } })))).toBeInstanceOf(InputError);
  });

  it.each<[string, (root: string) => Promise<void>, RegExp]>([
    ['its dataset is missing', (root) => rm(root, { recursive: true }), /a dataset folder at .*set/],
    [
      'trainB is missing',
      (root) => rm(join(root, 'trainB'), { recursive: true }),
      /a folder trainB in .*set/,
    ],
    [
      'trainA is empty',
      async (root) => {
        await rm(join(root, 'trainA'), { recursive: true });
        await mkdir(join(root, 'trainA'));
      },
      /an image in .*set\/trainA/,
    ],
  ])('is rejected before it writes anything if %s', async (_, spoil, message) => {
    const root = join(runs.folder, 'set');
    await cp(runs.dataset, root, { recursive: true });
    await spoil(root);
    const error = await rejection(runs.train(runs.config(1, { data: { root } })));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
    expect(await readdir(runs.folder)).not.toContain(basename(runs.runDir));
  });

  it('is rejected if the config has no data.root', async () => {
    const { root: _, ...data } = runs.config(1).data;
    const error = await rejection(runs.train({ ...runs.config(1), data }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain('data.root');
  });

  it('needs no test images', async () => {
    const root = join(runs.folder, 'train-only');
    await cp(runs.dataset, root, { recursive: true });
    for (const name of ['testA', 'testB']) await rm(join(root, name), { recursive: true });
    const events = await runs.train(runs.config(1, { data: { root } }));
    expect(ofType(events, 'samples').length).toBe(2);
  });
});
