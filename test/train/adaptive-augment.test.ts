import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AdaptiveAugment,
  type AdaptiveAugmentState,
  adaptiveAugmentSchema,
} from '../../src/train/adaptive-augment.js';
import type { TermValues } from '../../src/train/trainer.js';
import { tinyConfig } from '../support/config.js';
import { ofType, RunFolders } from '../support/runs.js';

const BATCH = 2;
const EVERY = 4;
const SPEED = 80;
/** What an adjustment moves p by. */
const STRIDE = (BATCH * EVERY) / SPEED;

function controllerOf(changes: Record<string, unknown> = {}, state?: AdaptiveAugmentState) {
  const { training } = tinyConfig({
    training: {
      batch: BATCH,
      adaptiveAugment: { enabled: true, everySteps: EVERY, speedImages: SPEED, initial: 0.3, ...changes },
    },
  });
  return new AdaptiveAugment(training, state);
}
const signs = (A: number, B: number): TermValues => ({
  'discriminators/images': 1,
  'signals/realSignA': A,
  'signals/realSignB': B,
});
/** Takes in the same signs some times. */
function observe(controller: AdaptiveAugment, times: number, A: number, B: number): void {
  for (let i = 0; i < times; i++) controller.observe(signs(A, B));
}

describe('the probability of transforms', () => {
  it('moves every few steps, up above the target, down below it, for each domain on its own', () => {
    const controller = controllerOf();
    observe(controller, EVERY - 1, 0.7, 0.5);
    expect(controller.probabilities).toEqual({ A: 0.3, B: 0.3 });
    observe(controller, 1, 0.7, 0.5);
    expect(controller.probabilities.A).toBeCloseTo(0.3 + STRIDE, 12);
    expect(controller.probabilities.B).toBeCloseTo(0.3 - STRIDE, 12);
    observe(controller, EVERY, 0.5, 0.7);
    expect(controller.probabilities.A).toBeCloseTo(0.3, 12);
    expect(controller.probabilities.B).toBeCloseTo(0.3, 12);
  });

  it('goes by the mean since the last adjustment, and stays where that is the target', () => {
    const controller = controllerOf({ target: 0.5 });
    observe(controller, EVERY / 2, 1, 0.75);
    observe(controller, EVERY / 2, 0.25, 0.25);
    expect(controller.probabilities.A).toBeCloseTo(0.3 + STRIDE, 12);
    expect(controller.probabilities.B).toBe(0.3);
    observe(controller, EVERY, 0.25, 0.5);
    expect(controller.probabilities.A, 'nothing of before').toBeCloseTo(0.3, 12);
  });

  it('stays from 0 to the limit', () => {
    const controller = controllerOf({ limit: 0.45 });
    observe(controller, 20 * EVERY, 1, -1);
    expect(controller.probabilities).toEqual({ A: 0.45, B: 0 });
  });

  it('gets from 0 to 1 over the given number of images', () => {
    const controller = controllerOf({ initial: 0, limit: 1 });
    observe(controller, SPEED / BATCH - EVERY, 1, 1);
    expect(controller.probabilities.A).toBeCloseTo(1 - STRIDE, 12);
    observe(controller, EVERY, 1, 1);
    expect(controller.probabilities.A).toBeCloseTo(1, 12);
  });

  it('is told with the terms of the step that it was for', () => {
    const controller = controllerOf({ everySteps: 1 });
    const told = [1, 2].map(() => controller.observe(signs(1, -1)));
    expect(told[0]).toEqual({ ...signs(1, -1), 'signals/augmentA': 0.3, 'signals/augmentB': 0.3 });
    expect(told[1]!['signals/augmentA']).toBeCloseTo(0.3 + BATCH / SPEED, 12);
  });

  it('goes on from its state, through JSON, as if it had never stopped', () => {
    const straight = controllerOf();
    const first = controllerOf();
    observe(straight, EVERY + 1, 0.9, 0.1);
    observe(first, EVERY + 1, 0.9, 0.1);
    const resumed = controllerOf({}, adaptiveAugmentSchema.parse(JSON.parse(JSON.stringify(first.state()))));
    observe(straight, EVERY - 1, 0.56, 0.7);
    observe(resumed, EVERY - 1, 0.56, 0.7);
    expect(resumed.state()).toEqual(straight.state());
    expect(straight.probabilities.A, 'the sum before stopping counts').toBeCloseTo(0.3 + 2 * STRIDE, 12);
  });

  it('is nothing where transforms are off', () => {
    const controller = controllerOf({ enabled: false });
    const terms = signs(1, 1);
    expect(controller.observe(terms)).toBe(terms);
    expect(controller.state()).toBeUndefined();
  });
});

describe('a run with transforms', () => {
  const runs = RunFolders.prepare();
  const adaptiveAugment = { enabled: true, initial: 0.3, target: -1, everySteps: 2, speedImages: 40 };

  it('tells the probabilities, moves them, and keeps them in its checkpoints', async () => {
    const config = runs.config(3, { training: { batch: BATCH, adaptiveAugment }, log: { everySteps: 1 } });
    const steps = ofType(await runs.train(config), 'step');
    const told = steps.map(({ terms }) => terms['signals/augmentA']!);
    expect(told.slice(0, 2)).toEqual([0.3, 0.3]);
    const isAbove = steps.slice(0, 2).some(({ terms }) => terms['signals/realSignA']! > -1);
    expect(told[2]).toBeCloseTo(isAbove ? 0.4 : 0.3, 12);
    expect((await runs.metrics()).at(-1)!.terms['signals/augmentA']).toBe(told[2]);
    const state = JSON.parse(await readFile(join(runs.checkpointAt(3), 'state.json'), 'utf8'));
    expect(state.adaptiveAugment).toMatchObject({ steps: 1, A: { probability: told[2] } });
  });

  it('may begin at a checkpoint without them', async () => {
    await runs.train(runs.config(1));
    const path = join(runs.checkpointAt(1), 'state.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).not.toHaveProperty('adaptiveAugment');
    const config = runs.config(2, { training: { adaptiveAugment } });
    const events = await runs.train(config, { resume: true });
    expect(ofType(events, 'step').map(({ terms }) => terms['signals/augmentB'])).toEqual([0.3]);
  });
});
