import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { latestCheckpoint } from '../../src/checkpoint/checkpoint.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { resumedConfig } from '../../src/train/start.js';
import { rejection } from '../support/rejection.js';
import { areEqual, ofType, RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

// The captured run also has the other variant, and first moments.
describe.each<{ name: string; stopAfter: number; changes: PartialConfig }>([
  { name: 'kernel by kernel', stopAfter: 2, changes: {} },
  {
    name: 'between two adjustments of its transforms',
    stopAfter: 3,
    changes: {
      training: {
        adaptiveAugment: { enabled: true, initial: 0.4, target: 0, speedImages: 40, everySteps: 2 },
      },
    },
  },
  {
    name: 'captured, with DiffAugment, R2, the relativistic loss, and averages of LeCam regularisation',
    stopAfter: 3,
    changes: {
      training: {
        adversarialForm: 'relativistic',
        r1EverySteps: 2,
        r2Factor: 1,
        lecam: { weight: 0.5, decay: 0.9 },
        diffAugment: { enabled: true, cutout: true },
      },
      runtime: { capture: true },
    },
  },
  {
    name: 'captured',
    stopAfter: 1,
    changes: {
      model: { variant: 'train' },
      training: { betas: [0.5, 0.99] },
      runtime: { capture: true },
    },
  },
  {
    name: 'captured, between changes of all that a schedule changes',
    stopAfter: 2,
    changes: {
      training: {
        betas: [0, 0.9],
        r1Weight: 'auto',
        emaRampUp: 0.5,
        cosine: { learningRateFactor: 0.25, beta2: 0.99, r1Factor: 0.1 },
      },
      losses: { styleDiversification: { weight: 1, decaySteps: 3 }, equivariance: 1, spectrum: 1 },
      runtime: { capture: true },
    },
  },
  {
    name: 'captured, feature maps in bfloat16',
    stopAfter: 1,
    changes: {
      model: { channelDivisor: 32 },
      runtime: { capture: true, arithmetic: 'bfloat16', activations: 'bfloat16' },
    },
  },
])('a run that was stopped ($name)', ({ stopAfter, changes }) => {
  const steps = 2 * stopAfter;

  it('has a complete checkpoint and continues from it bit for bit', async () => {
    const straight = join(runs.folder, 'straight');
    await runs.train(runs.config(steps, changes), { runDir: straight });
    const controller = new AbortController();
    const stopped = await runs.train(runs.config(steps, changes), { signal: controller.signal }, (event) => {
      if (event.type === 'step' && event.step === stopAfter) controller.abort();
    });
    expect(stopped.slice(-2)).toMatchObject([
      { type: 'checkpoint', step: stopAfter },
      { type: 'end', step: stopAfter, interrupted: true },
    ]);
    expect(await latestCheckpoint(runs.runDir)).toEqual({
      dir: runs.checkpointAt(stopAfter),
      step: stopAfter,
    });
    const resumed = await runs.train(runs.config(steps, changes), { resume: true });
    expect(ofType(resumed, 'start')[0]).toMatchObject({ step: stopAfter, steps });
    expect(ofType(resumed, 'step').map(({ step }) => step)).toEqual(
      Array.from({ length: stopAfter }, (_, i) => stopAfter + i + 1),
    );
    expect(areEqual(await runs.weightsAt(steps, runs.runDir), await runs.weightsAt(steps, straight))).toBe(
      true,
    );
    const rows = await runs.metrics();
    const logged = Array.from({ length: steps }, (_, i) => i + 1).filter((n) => n === 1 || n % 2 === 0);
    expect(rows.map(({ step }) => step)).toEqual(logged);
    const seconds = rows.map((row) => row.seconds);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  });
});

describe('a resumed run', () => {
  it('goes on after its folder and its dataset were moved, once the new place of the dataset is named', async () => {
    await runs.train(runs.config(1));
    const [runDir, root] = [join(runs.folder, 'moved-run'), join(runs.folder, 'moved-data')];
    await rename(runs.runDir, runDir);
    await cp(runs.dataset, root, { recursive: true });
    const gone = join(runs.folder, 'gone');
    const lost = runs.train(runs.config(2, { data: { root: gone } }), { resume: true, runDir });
    expect((await rejection(lost)).message).toBe(
      `Expected the dataset of the run at ${gone} but found nothing; if it was moved, add --set data.root=DIR with its new place.`,
    );
    const events = await runs.train(runs.config(2, { data: { root } }), { resume: true, runDir });
    expect(ofType(events, 'checkpoint').map(({ dir }) => dir)).toEqual([runs.checkpointAt(2, runDir)]);
  });
  it('continues bit for bit from the end of a shorter run', async () => {
    const straight = join(runs.folder, 'straight');
    const config = (steps: number) => runs.config(steps, { log: { everySteps: 3 } });
    await runs.train(config(6), { runDir: straight });
    await runs.train(config(5));
    const events = await runs.train(config(6), { resume: true });
    expect(ofType(events, 'start')[0]).toMatchObject({ step: 5, steps: 6 });
    expect(ofType(events, 'step').map(({ step }) => step)).toEqual([6]);
    expect(areEqual(await runs.weightsAt(6, runs.runDir), await runs.weightsAt(6, straight))).toBe(true);
    const untimed = async (run: string) =>
      (await runs.metrics(run)).map(({ step, learningRate, terms }) => ({ step, learningRate, terms }));
    const rows = await untimed(runs.runDir);
    expect(rows).toEqual(await untimed(straight));
    // The penalty of the fifth step, before the run stopped, is in the row of the sixth.
    expect(rows.at(-1)).toMatchObject({ step: 6, terms: { 'discriminators/r1A': expect.any(Number) } });
    expect(ofType(events, 'step')[0]!.terms).not.toHaveProperty('discriminators/r1A');
  });

  it('skips and reports a damaged checkpoint, and reaches the same end', async () => {
    const config = runs.config(3, { checkpoint: { everySteps: 1 } });
    await runs.train(config);
    const expected = await runs.weightsAt(3);
    await rm(runs.checkpointAt(3), { recursive: true });
    await truncate(join(runs.checkpointAt(2), 'training.safetensors'), 1000);
    const events = await runs.train(config, { resume: true });
    expect(ofType(events, 'skipped-checkpoint').map(({ dir }) => dir)).toEqual([runs.checkpointAt(2)]);
    expect(ofType(events, 'start')[0]!.step).toBe(1);
    expect(areEqual(await runs.weightsAt(3), expected)).toBe(true);
  });

  it('must be requested: a new run in the folder of another is rejected and changes nothing', async () => {
    await runs.train(runs.config(1));
    const config = await readFile(join(runs.runDir, 'config.json'), 'utf8');
    const error = await rejection(runs.train(runs.config(2)));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toBe(
      `Expected no checkpoints yet in ${runs.runDir} but found one of step 1; add --resume to continue that run, or give --out another folder.`,
    );
    expect(await readFile(join(runs.runDir, 'config.json'), 'utf8')).toBe(config);
  });

  it('rejects a folder without a checkpoint, and writes nothing there', async () => {
    const attempts = [
      () => runs.train(runs.config(2), { resume: true }),
      () => resumedConfig(runs.runDir, []),
    ];
    for (const attempt of attempts) {
      const error = await rejection(attempt());
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toContain(`a checkpoint in ${runs.runDir} to resume from`);
    }
    expect(await readdir(runs.folder)).toEqual([]);
  });

  it('uses the config of the run, with overrides', async () => {
    const config = runs.config(1);
    await runs.train(config);
    const resumed = await resumedConfig(runs.runDir, ['training.steps=2', 'training.learningRate=0.001']);
    expect(resumed).toEqual({ ...config, training: { ...config.training, steps: 2, learningRate: 0.001 } });
    expect(await rejection(resumedConfig(runs.runDir, ['training.step=2']))).toBeInstanceOf(InputError);
  });

  it('ends at once if all steps are done', async () => {
    await runs.train(runs.config(1));
    const events = await runs.train(runs.config(1), { resume: true });
    expect(events.map(({ type }) => type)).toEqual(['start', 'end']);
  });

  it('rejects fewer steps than are done, and keeps its config', async () => {
    await runs.train(runs.config(2));
    const config = await readFile(join(runs.runDir, 'config.json'), 'utf8');
    const error = await rejection(runs.train(runs.config(1), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /training\.steps to be 2 or more, .*step-000002 has done but found 1; give more/,
    );
    expect(await readFile(join(runs.runDir, 'config.json'), 'utf8')).toBe(config);
  });

  it('rejects a checkpoint with other channels and names the tensor', async () => {
    await runs.train(runs.config(1));
    const error = await rejection(
      runs.train(runs.config(2, { model: { channelDivisor: 32 } }), { resume: true }),
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(
      /the tensor values\/\w+\/\S+ of shape \[[\d,]+\] in .*training\.safetensors but found one of shape/,
    );
    expect(error.message).toContain('the same model section');
  });

  it('rejects a dataset of another size, and leaves the run as it was', async () => {
    await runs.train(runs.config(1));
    const config = await readFile(join(runs.runDir, 'config.json'), 'utf8');
    const smaller = join(runs.folder, 'smaller');
    await cp(runs.dataset, smaller, { recursive: true });
    await rm(join(smaller, 'trainA', '00000.png'));
    const error = await rejection(runs.train(runs.config(2, { data: { root: smaller } }), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain('the 5 images that the checkpoint was trained on');
    expect(await readFile(join(runs.runDir, 'config.json'), 'utf8')).toBe(config);
  });

  it('rejects a checkpoint whose training state is incomplete', async () => {
    await runs.train(runs.config(1));
    const path = join(runs.checkpointAt(1), 'state.json');
    const { seconds, ...rest } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    expect(seconds).toBeGreaterThan(0);
    await writeFile(path, JSON.stringify(rest));
    const error = await rejection(runs.train(runs.config(2), { resume: true }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain(path);
  });
});
