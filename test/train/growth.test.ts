import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { readCheckpoint, readCheckpointState, resolveCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { adamStepAt, configAt, stagesOf } from '../../src/config/growth.js';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { stepScalars } from '../../src/gan/step-scalars.js';
import { upsample } from '../../src/ops/resample.js';
import type { TrainEvent } from '../../src/train/events.js';
import { writeRunReport } from '../../src/train/log/run-report.js';
import { initialConfig, resumedConfig } from '../../src/train/start.js';
import { openModel } from '../../src/translate/open-model.js';
import { rejection } from '../support/rejection.js';
import { areEqual, ofType, RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

/** A run that grows from 32 to 64 px after its third step, and has a batch of 3 from then on. */
const growing = (steps: number, changes: PartialConfig = {}): Config =>
  runs.config(steps, {
    ...changes,
    model: { channels: { 64: 512 }, ...changes.model },
    training: { growth: [{ atStep: 3, size: 64, batch: 3 }], ...changes.training },
    watch: { everySteps: 2, ...changes.watch },
    log: { sampleEverySteps: 2, sampleRaw: false, ...changes.log },
  });

/** Trains until `step` and stops there, as after Ctrl-C. */
const trainUntil = (step: number, config: Config, resume = false): Promise<TrainEvent[]> => {
  const controller = new AbortController();
  return runs.train(config, { signal: controller.signal, resume }, (event) => {
    if (event.type === 'step' && event.step === step) controller.abort();
  });
};

const untimed = async (run?: string) =>
  (await runs.metrics(run)).map(({ step, learningRate, terms }) => ({ step, learningRate, terms }));

describe('a run with training.growth', () => {
  it.each<{ name: string; changes: PartialConfig }>([
    {
      name: 'kernel by kernel, with two growths',
      changes: {
        model: { channels: { 64: 512, 128: 512 } },
        training: {
          growth: [
            { atStep: 3, size: 64, batch: 3 },
            { atStep: 4, size: 128, batch: 2 },
          ],
        },
      },
    },
    {
      name: 'captured, with first moments, LeCam averages and adaptive transforms, and R1 by size',
      changes: {
        training: {
          betas: [0.5, 0.99],
          r1Weight: 'auto',
          emaRampUp: 0.5,
          lecam: { weight: 0.5, decay: 0.9 },
          adaptiveAugment: { enabled: true, initial: 0.4, target: 0, speedImages: 40, everySteps: 2 },
        },
        runtime: { capture: true },
      },
    },
  ])(
    'continues bit for bit when it is stopped before, at and after its growth ($name)',
    async ({ changes }) => {
      const config = growing(5, changes);
      const straight = join(runs.folder, 'straight');
      const events = await runs.train(config, { runDir: straight });
      const [first, ...grown] = ofType(events, 'start');
      expect(first).toMatchObject({ step: 0, until: 3, steps: 5, size: 32 });
      expect(grown.map(({ step, grownFrom, size }) => [step, grownFrom, size])).toEqual(
        config.training.growth.map(({ atStep, size }) => [atStep, size / 2, size]),
      );
      expect(ofType(events, 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
      await trainUntil(2, config);
      // Each time with the config of the newest checkpoint, as gnr train --resume has it.
      for (const step of [3, 4]) await trainUntil(step, await resumedConfig(runs.runDir, []), true);
      await runs.train(await resumedConfig(runs.runDir, []), { resume: true });
      for (const step of [3, 5])
        expect(areEqual(await runs.weightsAt(step), await runs.weightsAt(step, straight))).toBe(true);
      expect(await untimed()).toEqual(await untimed(straight));
      for (const step of ['000004', '000005'])
        expect(
          (await readFile(join(runs.runDir, 'samples', `step-${step}.png`))).equals(
            await readFile(join(straight, 'samples', `step-${step}.png`)),
          ),
        ).toBe(true);
    },
  );

  it('has readable checkpoints of both sizes, and also goes on with the config that it began with', async () => {
    const config = growing(4);
    await trainUntil(3, config);
    expect(await runs.train(config, { resume: true })).toContainEqual(
      expect.objectContaining({ type: 'start', step: 3, grownFrom: 32 }),
    );
    for (const [step, size] of [
      [3, 32],
      [4, 64],
    ] as const) {
      const { translator } = await openModel(runs.checkpointAt(step), { batch: 1 });
      const style = new Float32Array(config.model.latentDim);
      const image = new Float32Array(size * size * 3);
      const translated = translator.translate('A2B', image, style);
      expect(translated.length).toBe(size * size * 3);
      translator.dispose();
    }
    const resumed = await resumedConfig(runs.runDir, []);
    expect(resumed).toEqual(configAt(config, 3));
    expect(resumed).toMatchObject({ model: { size: 64, numDown: 2 }, training: { batch: 3 } });
    const page = await readFile(await writeRunReport(runs.runDir), 'utf8');
    expect(page).toContain('to 64 px after step 3');
    expect(page).toContain('64 px, 3 of each a step');
  });

  it('starts its search for the best checkpoint again at each size', async () => {
    const keepBest = { metric: 'signals/realSignA', order: 'lowest' } as const;
    const config = growing(5, { checkpoint: { keepBest, everySteps: 1 } });
    await runs.train(config);
    const best = async (step: number) => (await readCheckpointState(runs.checkpointAt(step))).best;
    expect(await best(3)).toMatchObject({ best: { step: expect.any(Number) } });
    const { best: last } = (await best(5)) as { best: { step: number } };
    expect(last.step).toBeGreaterThan(3);
  });

  it('rolls back across its growth to the checkpoint before it, and grows again', async () => {
    const config = growing(5, { watch: { onNonFinite: 'rollback' } });
    const evaluate = (() => {
      let calls = 0;
      return () => Promise.resolve({ 'evaluation/x': ++calls === 4 ? Number.NaN : 1 });
    })();
    const evaluated = { ...config, evaluation: { ...config.evaluation, everySteps: 1 } };
    const events = await runs.train(evaluated, { evaluate });
    expect(ofType(events, 'rollback')).toMatchObject([{ from: 4, to: 3, rateScale: 0.5 }]);
    expect(ofType(events, 'start').map(({ step, size }) => [step, size])).toEqual([
      [0, 32],
      [3, 64],
      [3, 64],
    ]);
    expect(ofType(events, 'end')).toMatchObject([{ step: 5, interrupted: false }]);
  });

  it('rejects a checkpoint that is to grow at another step than its own, and a new run that has the size already', async () => {
    await runs.train(runs.config(2, { model: { channels: { 64: 512 } } }));
    const early = growing(4, { training: { growth: [{ atStep: 1, size: 64 }] } });
    const error = await rejection(runs.train(early, { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /a checkpoint of 64 px in .*step-000002, .* but found one of 32 px; give training\.growth a stage of 64 px with atStep 2 or more/,
    );
    const unnamed = await rejection(
      runs.train(runs.config(4, { model: { size: 64, channels: { 64: 512 } } }), { resume: true }),
    );
    expect(unnamed.message).toMatch(
      /a checkpoint of 64 px .* found one of 32 px; .*model\.size, or .*--init/,
    );
    const late = configAt(growing(4), 3);
    const again = await rejection(runs.train(late, { runDir: join(runs.folder, 'again') }));
    expect(again.message).toMatch(
      /training\.growth\.0\.size to be more than model\.size, 64, in a new run but found 64; remove that stage/,
    );
  });
});

describe('a run whose growth has another step than it had', () => {
  it('is rejected if the networks have grown already, and keeps its config', async () => {
    await runs.train(growing(4));
    const config = await readFile(join(runs.runDir, 'config.json'));
    const moved = growing(6, { training: { growth: [{ atStep: 5, size: 64 }] } });
    const error = await rejection(runs.train(configAt(moved, 6), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /training\.growth\.0\.atStep to be the step at which the run grew to 64 px, at most 4 but found 5/,
    );
    expect(await readFile(join(runs.runDir, 'config.json'))).toEqual(config);
  });

  it('warns of a growth after its last step, and does not grow', async () => {
    const config = growing(3);
    const events = await runs.train(config);
    expect(ofType(events, 'warning').map(({ text }) => text)).toEqual([
      'the networks do not grow to 64 px: training.growth has it after step 3, and training.steps is 3',
    ]);
    expect(ofType(await runs.train(config, { resume: true }), 'start')).toMatchObject([
      { step: 3, size: 32 },
    ]);
    expect(await runs.train(growing(4), { resume: true })).toContainEqual(
      expect.objectContaining({ type: 'start', step: 3, grownFrom: 32 }),
    );
  });
});

describe('a run with --init and twice the size of the model', () => {
  it('starts with the old image upsampled, with new moments, and keeps the discriminators', async () => {
    await runs.train(runs.config(2, { model: { channels: { 64: 512 } } }));
    const larger = join(runs.folder, 'larger');
    const config = await initialConfig(runs.runDir, [
      'model.size=64',
      'training.steps=1',
      'training.lrMultipliers={"*":0}',
    ]);
    expect(config.model).toMatchObject({ size: 64, numDown: 2 });
    const events = await runs.train(config, { runDir: larger, init: runs.runDir });
    expect(ofType(events, 'start')).toMatchObject([{ step: 0, size: 64, grownFrom: 32 }]);
    const [before, after] = [
      await openModel(runs.runDir, { batch: 1 }),
      await openModel(larger, { batch: 1 }),
    ];
    const image = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i));
    const style = Float32Array.from({ length: config.model.latentDim }, (_, i) => Math.cos(i));
    const content = before.translator.encode('A2B', image);
    const small = before.translator.decode(content, style);
    const decoded = after.translator.decode(content, style);
    // Translators clamp images.
    expect(small.every((value) => Math.abs(value) < 1)).toBe(true);
    const expected = tf.tidy(() => upsample(tf.tensor4d(small, [1, 32, 32, 3])).dataSync<'float32'>());
    expect(decoded.length).toBe(expected.length);
    const scale = Math.max(...expected.map(Math.abs));
    expect(scale).toBeGreaterThan(0.01);
    expect(Math.max(...expected.map((value, i) => Math.abs(value - decoded[i]!)))).toBeLessThan(1e-6 * scale);
    before.translator.dispose();
    after.translator.dispose();
    const [old, grown] = [
      await readCheckpoint(runs.checkpointAt(2)),
      await readCheckpoint(runs.checkpointAt(1, larger)),
    ];
    for (const path of ['D_A/g_final.weight', 'D_L/fc.0.weight'])
      expect(grown.training.get(`values/${path}`)!.data).toEqual(old.training.get(`values/${path}`)!.data);
    const moments = [...grown.training].filter(([name]) => name.startsWith('second/'));
    expect(moments.every(([, { data }]) => data.every((value) => value === 0))).toBe(true);
  });

  it('rejects networks that cannot grow, names the key, and leaves no folder behind', async () => {
    await runs.train(runs.config(1));
    const config = await initialConfig(runs.runDir, ['model.size=128', 'model.numDown=3']);
    const error = await rejection(
      runs.train(config, { runDir: join(runs.folder, 'larger'), init: runs.runDir }),
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/model\.size to be 32, as in .*, or 64, to grow it but found 128/);
    const narrow = await initialConfig(runs.runDir, ['model.size=64']);
    const message = (
      await rejection(runs.train(narrow, { runDir: join(runs.folder, 'x'), init: runs.runDir }))
    ).message;
    expect(message).toMatch(/model\.channels\.64 .* set model\.channels\.64=384/);
    expect(await readdir(runs.folder)).toEqual(['run']);
  });

  it('rejects a model with the most downsamplings', async () => {
    await runs.train(runs.config(1));
    const { dir } = await resolveCheckpoint(runs.runDir);
    const config = JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')) as Config;
    const deepest = { ...config, model: { ...config.model, size: 128, numDown: 5 } };
    await writeFile(join(dir, 'config.json'), JSON.stringify(deepest));
    const error = await rejection(initialConfig(dir, ['model.size=256']));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /fewer than 5 downsamplings .* found one with 5; train on at its size, 128 px/,
    );
  });

  it('leaves out the stages that the model has behind it', async () => {
    const growth = [
      { atStep: 3, size: 64 },
      { atStep: 9, size: 128 },
    ];
    const channels = { 64: 512, 128: 512 };
    await runs.train(runs.config(1, { model: { channels } }));
    const next = await initialConfig(runs.runDir, [
      'model.size=64',
      `training.growth=${JSON.stringify(growth)}`,
    ]);
    expect(next.training.growth).toEqual([growth[1]]);
    expect(next.model).toMatchObject({ size: 64, numDown: 2 });
  });
});

describe('the stages of a config', () => {
  const growth = [
    { atStep: 100, size: 64 },
    { atStep: 300, size: 128, batch: 2 },
  ];
  const config = (changes: PartialConfig['training'] = {}) =>
    runs.config(400, {
      model: { channels: { 64: 512, 128: 512 } },
      training: { growth, batch: 4, ...changes },
    });
  const summary = (whole: Config) =>
    stagesOf(whole).map(({ from, until, config: { model, training } }) => [
      from,
      until,
      model.size,
      model.numDown,
      training.batch,
    ]);

  it('double the size, add a downsampling each, and keep the batch unless they name one', () => {
    const whole = config();
    expect(summary(whole)).toEqual([
      [0, 100, 32, 1, 4],
      [100, 300, 64, 2, 4],
      [300, 400, 128, 3, 2],
    ]);
    expect(summary(config({ growth: [] }))).toEqual([[0, 400, 32, 1, 4]]);
    for (const step of [0, 99, 100, 250, 300, 399]) {
      const stage = configAt(whole, step);
      expect(configAt(stage, step)).toEqual(stage);
      expect(stage.model.size).toBe(step < 100 ? 32 : step < 300 ? 64 : 128);
    }
  });

  it('leave a config without growth as it is, and its steps with the numbers that they had', () => {
    const plain = config({ growth: [] });
    expect(configAt(plain, 250)).toBe(plain);
    for (const step of [0, 1, 250])
      expect(stepScalars({ config: plain }, step)['generators/rootCorrection']).toBe(
        1 / Math.sqrt(1 - 0.99 ** (step + 1)),
      );
  });

  it("count Adam's steps anew from each growth", () => {
    const steps = [0, 99, 100, 299, 300, 350].map((step) => adamStepAt(step, { growth }));
    expect(steps).toEqual([1, 100, 1, 200, 1, 51]);
    const whole = config();
    expect(stepScalars({ config: whole }, 100)['generators/rootCorrection']).toBe(
      stepScalars({ config: whole }, 0)['generators/rootCorrection'],
    );
  });
});
