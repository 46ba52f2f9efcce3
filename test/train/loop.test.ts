import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { latestCheckpoint, readCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { formatConfig, loadConfig } from '../../src/config/load.js';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { drawSampleDataset } from '../../src/data/sample/draw.js';
import { InputError, RunError } from '../../src/errors.js';
import { loadEngine } from '../../src/runtime/node.js';
import { resumedConfig, type TrainEvent, type TrainOptions, trainRun } from '../../src/train/loop.js';
import { type MetricsRow, readMetrics } from '../../src/train/metrics-log.js';
import { FEWEST_LAYERS, tinyConfig } from '../support/config.js';

let dataset: string;
let folder: string;
let runDir: string;

beforeAll(async () => {
  await loadEngine();
  dataset = join(await mkdtemp(join(tmpdir(), 'gnr-train-data-')), 'data');
  await drawSampleDataset({ dir: dataset, images: 5, testImages: 2, size: 32 });
});
afterAll(() => rm(join(dataset, '..'), { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-train-'));
  runDir = join(folder, 'run');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Kernel by kernel: capturing takes longer than a few small steps. */
function configFor(steps: number, changes: PartialConfig = {}): Config {
  const config = tinyConfig({
    ...changes,
    model: { ...FEWEST_LAYERS, ...changes.model },
    data: { root: dataset, ...changes.data },
    training: { r1EverySteps: 2, ...changes.training, steps },
    log: { everySteps: 2, sampleEverySteps: 1000, sampleImages: 1, ...changes.log },
    runtime: { capture: false, ...changes.runtime },
  });
  return config;
}

/** Runs to the end; `onEvent` sees every event as it comes. */
async function train(
  config: Config,
  options: Partial<TrainOptions> = {},
  onEvent: (event: TrainEvent) => void = () => undefined,
): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of trainRun({ config, runDir, ...options })) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable('was accepted'),
    (error: unknown) => error as Error,
  );
}

const ofType = <T extends TrainEvent['type']>(events: TrainEvent[], type: T) =>
  events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
const checkpointAt = (step: number, run = runDir): string =>
  join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`);
const weightsAt = (step: number, run = runDir): Promise<Buffer[]> =>
  Promise.all(
    ['model', 'training'].map((name) => readFile(join(checkpointAt(step, run), `${name}.safetensors`))),
  );

async function metricsOf(run: string): Promise<MetricsRow[]> {
  const rows: MetricsRow[] = [];
  for await (const row of readMetrics(join(run, 'metrics.jsonl'))) rows.push(row);
  return rows;
}

const areEqual = (ours: Buffer[], theirs: Buffer[]): boolean =>
  ours.length === theirs.length && ours.every((bytes, i) => bytes.equals(theirs[i]!));

async function expectSameWeights(step: number, run: string, other: string): Promise<void> {
  expect(areEqual(await weightsAt(step, run), await weightsAt(step, other))).toBe(true);
}

describe('a run', () => {
  it('tells what happens, and leaves config, metrics, samples and checkpoints', async () => {
    const config = configFor(5, {
      checkpoint: { everySteps: 2, keepLast: 2 },
      log: { everySteps: 2, sampleEverySteps: 2 },
    });
    const events = await train(config);
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
    const [start] = ofType(events, 'start');
    expect(start!.parameters.generators).toBeGreaterThan(0);
    expect(ofType(events, 'end')[0]!.interrupted).toBe(false);

    expect((await readdir(runDir)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'samples',
    ]);
    expect(loadConfig({ file: join(runDir, 'config.json'), overrides: [] })).toEqual(config);
    expect((await readdir(join(runDir, 'samples'))).sort()).toEqual(
      [0, 2, 4, 5].map((step) => `step-00000${step}.png`),
    );
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual([
      'latest',
      'step-000004',
      'step-000005',
    ]);
    const rows = await metricsOf(runDir);
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 4]);
    const steps = ofType(events, 'step');
    for (const { step, terms, learningRate, seconds } of rows)
      expect({ terms, learningRate, seconds }).toEqual({
        terms: steps[step - 1]!.terms,
        learningRate: steps[step - 1]!.learningRate,
        seconds: steps[step - 1]!.seconds,
      });
  });

  it('adds penalties every so many steps and lowers the learning rate when it is time', async () => {
    const events = await train(configFor(4, { training: { r1EverySteps: 3, decayEverySteps: 2 } }));
    const steps = ofType(events, 'step');
    expect(steps.map(({ terms }) => 'discriminators/r1A' in terms)).toEqual([true, false, false, true]);
    expect(steps.map(({ learningRate }) => learningRate)).toEqual([0.002, 0.002, 0.001, 0.001]);
  });

  it('depends on the seed alone', async () => {
    const other = join(folder, 'other');
    const reseeded = join(folder, 'reseeded');
    await train(configFor(2));
    await train(configFor(2), { runDir: other });
    await train(configFor(2, { training: { seed: 2 } }), { runDir: reseeded });
    await expectSameWeights(2, runDir, other);
    expect((await weightsAt(2))[0]!.equals((await weightsAt(2, reseeded))[0]!)).toBe(false);
  });

  it('frees what it held, also where nobody listens to the end', async () => {
    await train(configFor(1));
    const before = tf.memory().numTensors;
    await train(configFor(1), { runDir: join(folder, 'whole') });
    expect(tf.memory().numTensors).toBe(before);
    for await (const event of trainRun({ config: configFor(3), runDir: join(folder, 'broken-off') }))
      if (event.type === 'step') break;
    expect(tf.memory().numTensors).toBe(before);
  });
});

// The captured run has the other variant, and first moments too.
describe.each<{ name: string; stopAfter: number; changes: PartialConfig }>([
  { name: 'kernel by kernel', stopAfter: 2, changes: {} },
  {
    name: 'captured',
    stopAfter: 1,
    changes: {
      model: { variant: 'train' },
      training: { betas: [0.5, 0.99] },
      runtime: { capture: true },
    },
  },
])('a run that was stopped ($name)', ({ stopAfter, changes }) => {
  const steps = 2 * stopAfter;

  it('has a complete checkpoint and goes on from it bit for bit', async () => {
    const straight = join(folder, 'straight');
    await train(configFor(steps, changes), { runDir: straight });
    const controller = new AbortController();
    const stopped = await train(configFor(steps, changes), { signal: controller.signal }, (event) => {
      if (event.type === 'step' && event.step === stopAfter) controller.abort();
    });
    expect(stopped.slice(-2)).toMatchObject([
      { type: 'checkpoint', step: stopAfter },
      { type: 'end', step: stopAfter, interrupted: true },
    ]);
    expect(await latestCheckpoint(runDir)).toEqual({ dir: checkpointAt(stopAfter), step: stopAfter });
    const resumed = await train(configFor(steps, changes), { resume: true });
    expect(ofType(resumed, 'start')[0]).toMatchObject({ step: stopAfter, steps });
    expect(ofType(resumed, 'step').map(({ step }) => step)).toEqual(
      Array.from({ length: stopAfter }, (_, i) => stopAfter + i + 1),
    );
    await expectSameWeights(steps, runDir, straight);
    const rows = await metricsOf(runDir);
    expect(rows.map(({ step }) => step)).toEqual([...new Set([1, 2, steps])]);
    const seconds = rows.map((row) => row.seconds);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  });
});

describe('resuming', () => {
  it('goes on bit for bit from the end of a shorter run', async () => {
    const straight = join(folder, 'straight');
    await train(configFor(6), { runDir: straight });
    await train(configFor(3));
    const events = await train(configFor(6), { resume: true });
    expect(ofType(events, 'start')[0]).toMatchObject({ step: 3, steps: 6 });
    expect(ofType(events, 'step').map(({ step }) => step)).toEqual([4, 5, 6]);
    await expectSameWeights(6, runDir, straight);
  });

  it('passes over a damaged checkpoint, tells of it, and comes to the same end', async () => {
    const config = configFor(3, { checkpoint: { everySteps: 1 } });
    await train(config);
    const expected = await weightsAt(3);
    await rm(checkpointAt(3), { recursive: true });
    await truncate(join(checkpointAt(2), 'training.safetensors'), 1000);
    const events = await train(config, { resume: true });
    expect(ofType(events, 'skipped-checkpoint').map(({ dir }) => dir)).toEqual([checkpointAt(2)]);
    expect(ofType(events, 'start')[0]!.step).toBe(1);
    expect(areEqual(await weightsAt(3), expected)).toBe(true);
  });

  it('needs no flag to be refused where a run is already, and leaves it alone', async () => {
    await train(configFor(1));
    const config = await readFile(join(runDir, 'config.json'), 'utf8');
    const error = await failure(train(configFor(2)));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toBe(
      `Expected no checkpoints yet in ${runDir} but found one of step 1; add --resume to go on with that run, or give --out another folder.`,
    );
    expect(await readFile(join(runDir, 'config.json'), 'utf8')).toBe(config);
  });

  it('refuses a folder without a checkpoint, and writes nothing there', async () => {
    const attempts = [() => train(configFor(2), { resume: true }), () => resumedConfig(runDir, [])];
    for (const attempt of attempts) {
      const error = await failure(attempt());
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toContain(`a checkpoint in ${runDir} to resume from`);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes the config of the run, with overrides', async () => {
    const config = configFor(1);
    await train(config);
    const resumed = await resumedConfig(runDir, ['training.steps=2', 'training.learningRate=0.001']);
    expect(resumed).toEqual({ ...config, training: { ...config.training, steps: 2, learningRate: 0.001 } });
    expect(await failure(resumedConfig(runDir, ['training.step=2']))).toBeInstanceOf(InputError);
  });

  it('has nothing to do where all steps are done', async () => {
    await train(configFor(1));
    const events = await train(configFor(1), { resume: true });
    expect(events.map(({ type }) => type)).toEqual(['start', 'end']);
  });

  it('names the tensor of a checkpoint with other channels', async () => {
    await train(configFor(1));
    const error = await failure(train(configFor(2, { model: { channelDivisor: 32 } }), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /the tensor values\/\w+\/\S+ of shape \[[\d,]+\] in .*training\.safetensors but found one of shape/,
    );
    expect(error.message).toContain('the same model section');
  });

  it('refuses a dataset of another size', async () => {
    await train(configFor(1));
    const smaller = join(folder, 'smaller');
    await cp(dataset, smaller, { recursive: true });
    await rm(join(smaller, 'trainA', '00000.png'));
    const error = await failure(train(configFor(2, { data: { root: smaller } }), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain('the 5 images that the checkpoint was trained on');
  });

  it('refuses a checkpoint whose state is not that of a training', async () => {
    await train(configFor(1));
    const path = join(checkpointAt(1), 'state.json');
    const { seconds, ...rest } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    expect(seconds).toBeGreaterThan(0);
    await writeFile(path, JSON.stringify(rest));
    const error = await failure(train(configFor(2), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain(path);
  });
});

describe('a training that diverges', () => {
  it('stops with the name of the term and the step, and keeps the earlier checkpoint', async () => {
    await train(configFor(2));
    const expected = await weightsAt(2);
    const error = await failure(train(configFor(9, { training: { learningRate: 1e30 } }), { resume: true }));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(
      /^The loss term \S+ is (NaN|-?Infinity) after step [34]: the training has diverged/,
    );
    expect(error.message).toContain(runDir);
    expect(await latestCheckpoint(runDir)).toEqual({ dir: checkpointAt(2), step: 2 });
    expect(areEqual(await weightsAt(2), expected)).toBe(true);
    expect((await readCheckpoint(checkpointAt(2))).step).toBe(2);
  });
});

describe('pictures', () => {
  it('names a damaged file once and goes on without it', async () => {
    const damaged = join(folder, 'damaged');
    await cp(dataset, damaged, { recursive: true });
    const file = join(damaged, 'trainA', '00001.jpg');
    await rm(join(damaged, 'trainA', '00001.png'));
    await writeFile(file, Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'));
    const events = await train(configFor(6, { data: { root: damaged } }));
    const bad = ofType(events, 'bad-file');
    expect(bad.map((event) => event.file)).toEqual([file]);
    expect(String(bad[0]!.error)).toContain('00001.jpg');
    expect(ofType(events, 'end')[0]!.step).toBe(6);
  });

  it('that are missing are told before anything is written', async () => {
    for (const [missing, message] of [
      ['trainB', 'a folder trainB in'],
      ['', 'a dataset folder at'],
    ] as const) {
      const root = join(folder, `without-${missing}`);
      if (missing !== '') {
        await cp(dataset, root, { recursive: true });
        await rm(join(root, missing), { recursive: true });
      }
      const error = await failure(train(configFor(1, { data: { root } })));
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toContain(message);
    }
    const empty = join(folder, 'empty');
    await cp(dataset, empty, { recursive: true });
    for (const name of await readdir(join(empty, 'trainA'))) await rm(join(empty, 'trainA', name));
    expect((await failure(train(configFor(1, { data: { root: empty } })))).message).toContain(
      `an image in ${join(empty, 'trainA')}`,
    );
    expect((await readdir(folder)).includes(basename(runDir))).toBe(false);
  });

  it('come from the folder that the config has to name', async () => {
    const { root: _, ...data } = configFor(1).data;
    const error = await failure(train({ ...configFor(1), data }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain('data.root');
  });

  it('of the tests are not needed', async () => {
    const root = join(folder, 'train-only');
    await cp(dataset, root, { recursive: true });
    for (const name of ['testA', 'testB']) await rm(join(root, name), { recursive: true });
    const events = await train(configFor(1, { data: { root } }));
    expect(ofType(events, 'samples').length).toBe(2);
  });
});

it('the config in a checkpoint is the one that it was trained with', async () => {
  const config = configFor(1);
  await train(config);
  expect((await readCheckpoint(checkpointAt(1))).config).toEqual(JSON.parse(formatConfig(config)));
});
