import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TrainingConfig } from '../../src/config/schema.js';
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
/** Change of p in one adjustment. */
const STRIDE = (BATCH * EVERY) / SPEED;

function controllerOf(
  changes: Record<string, unknown> = {},
  state?: AdaptiveAugmentState,
  initialization: Partial<TrainingConfig['initialization']> = {},
) {
  const { training } = tinyConfig({
    losses: { identity: 1 },
    training: {
      initialization,
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
/** Observes the same signs several times. */
function observe(controller: AdaptiveAugment, times: number, A: number, B: number): void {
  for (let i = 0; i < times; i++) controller.observe(signs(A, B), 0);
}

describe('AdaptiveAugment', () => {
  it('raises the probability above the target sign and lowers it below, every few steps, separately for each domain', () => {
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

  it('leaves the probability as it is in the initialization phase, and starts to count after it', () => {
    const controller = controllerOf({}, undefined, { steps: EVERY });
    for (let step = 0; step < 2 * EVERY; step++) {
      expect(controller.observe(signs(1, -1), step)).toMatchObject({ 'signals/augmentA': 0.3 });
    }
    expect(controller.probabilities.A).toBeCloseTo(0.3 + STRIDE, 12);
    expect(controller.probabilities.B).toBeCloseTo(0.3 - STRIDE, 12);
  });

  it('adjusts by the mean sign since the last adjustment, and changes nothing at the target', () => {
    const controller = controllerOf({ target: 0.5 });
    observe(controller, EVERY / 2, 1, 0.75);
    observe(controller, EVERY / 2, 0.25, 0.25);
    expect(controller.probabilities.A).toBeCloseTo(0.3 + STRIDE, 12);
    expect(controller.probabilities.B).toBe(0.3);
    observe(controller, EVERY, 0.25, 0.5);
    expect(controller.probabilities.A, 'earlier signs are forgotten').toBeCloseTo(0.3, 12);
  });

  it('keeps the probability between 0 and the limit', () => {
    const controller = controllerOf({ limit: 0.45 });
    observe(controller, 20 * EVERY, 1, -1);
    expect(controller.probabilities).toEqual({ A: 0.45, B: 0 });
  });

  it('raises the probability from 0 to 1 over speedImages images', () => {
    const controller = controllerOf({ initial: 0, limit: 1 });
    observe(controller, SPEED / BATCH - EVERY, 1, 1);
    expect(controller.probabilities.A).toBeCloseTo(1 - STRIDE, 12);
    observe(controller, EVERY, 1, 1);
    expect(controller.probabilities.A).toBeCloseTo(1, 12);
  });

  it('adds the probabilities of the step to its terms in observe', () => {
    const controller = controllerOf({ everySteps: 1 });
    const observed = [1, 2].map(() => controller.observe(signs(1, -1), 0));
    expect(observed[0]).toEqual({ ...signs(1, -1), 'signals/augmentA': 0.3, 'signals/augmentB': 0.3 });
    expect(observed[1]!['signals/augmentA']).toBeCloseTo(0.3 + BATCH / SPEED, 12);
  });

  it('continues from JSON as if it had never stopped', () => {
    const straight = controllerOf();
    const stopped = controllerOf();
    observe(straight, EVERY + 1, 0.9, 0.1);
    observe(stopped, EVERY + 1, 0.9, 0.1);
    const resumed = controllerOf(
      {},
      adaptiveAugmentSchema.parse(JSON.parse(JSON.stringify(stopped.state()))),
    );
    observe(straight, EVERY - 1, 0.56, 0.7);
    observe(resumed, EVERY - 1, 0.56, 0.7);
    expect(resumed.state()).toEqual(straight.state());
    expect(straight.probabilities.A, 'the sum before stopping counts').toBeCloseTo(0.3 + 2 * STRIDE, 12);
  });

  it('changes no terms and has no state if it is disabled', () => {
    const controller = controllerOf({ enabled: false });
    const terms = signs(1, 1);
    expect(controller.observe(terms, 0)).toBe(terms);
    expect(controller.state()).toBeUndefined();
  });
});

describe('a run with adaptive augmentation', () => {
  const runs = RunFolders.prepare();
  const adaptiveAugment = { enabled: true, initial: 0.3, target: -1, everySteps: 2, speedImages: 40 };

  it('logs and adjusts the probabilities, and saves them in checkpoints', async () => {
    const config = runs.config(3, { training: { batch: BATCH, adaptiveAugment }, log: { everySteps: 1 } });
    const steps = ofType(await runs.train(config), 'step');
    const probabilities = steps.map(({ terms }) => terms['signals/augmentA']!);
    expect(probabilities.slice(0, 2)).toEqual([0.3, 0.3]);
    const isAbove = steps.slice(0, 2).some(({ terms }) => terms['signals/realSignA']! > -1);
    expect(probabilities[2]).toBeCloseTo(isAbove ? 0.4 : 0.3, 12);
    expect((await runs.metrics()).at(-1)!.terms['signals/augmentA']).toBe(probabilities[2]);
    const state = JSON.parse(await readFile(join(runs.checkpointAt(3), 'state.json'), 'utf8'));
    expect(state.adaptiveAugment).toMatchObject({ steps: 1, A: { probability: probabilities[2] } });
  });

  it('may resume from a checkpoint of a run without adaptive augmentation', async () => {
    await runs.train(runs.config(1));
    const path = join(runs.checkpointAt(1), 'state.json');
    expect(JSON.parse(await readFile(path, 'utf8'))).not.toHaveProperty('adaptiveAugment');
    const config = runs.config(2, { training: { adaptiveAugment } });
    const events = await runs.train(config, { resume: true });
    expect(ofType(events, 'step').map(({ terms }) => terms['signals/augmentB'])).toEqual([0.3]);
  });
});
