import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HEADS, meanLogitNames } from '../../src/gan/lecam-anchors.js';
import { LecamAnchors, type LecamAnchorsState, lecamAnchorsSchema } from '../../src/train/lecam-anchors.js';
import type { TermValues } from '../../src/train/trainer.js';
import { tinyConfig } from '../support/config.js';
import { ofType, RunFolders } from '../support/runs.js';

const anchorsOf = (lecam: { weight: number; decay?: number }, state?: LecamAnchorsState) =>
  new LecamAnchors(tinyConfig({ training: { lecam } }).training, state);

/** Mean logits of both domains: those of real images are `value` plus the number of the head, of translations the negative. */
const terms = (value: number): TermValues =>
  Object.fromEntries(
    (['A', 'B'] as const).flatMap((domain) =>
      HEADS.flatMap((_, head): [string, number][] => [
        [`signals/${meanLogitNames('real', domain)[head]}`, value + head],
        [`signals/${meanLogitNames('fake', domain)[head]}`, -value - head],
      ]),
    ),
  );

describe('LecamAnchors', () => {
  it('starts from the first logits, and follows them by one minus the decay of the distance per step', () => {
    const anchors = anchorsOf({ weight: 1, decay: 0.75 });
    expect(anchors.anchors).toBeUndefined();
    anchors.observe(terms(2));
    expect(anchors.anchors!.A).toEqual({ real: [2, 3, 4], fake: [-2, -3, -4] });
    anchors.observe(terms(6));
    // 0.75 * 2 + 0.25 * 6 = 3
    expect(anchors.anchors!.B).toEqual({ real: [3, 4, 5], fake: [-3, -4, -5] });
    anchors.observe(terms(-1));
    // 0.75 * 3 - 0.25 = 2
    expect(anchors.anchors!.B.real).toEqual([2, 3, 4]);
  });

  it('continues from JSON as if it had never stopped', () => {
    const straight = anchorsOf({ weight: 1 });
    const stopped = anchorsOf({ weight: 1 });
    for (const anchors of [straight, stopped])
      for (const value of [0.1, 0.7, 1 / 3]) anchors.observe(terms(value));
    const saved = lecamAnchorsSchema.parse(JSON.parse(JSON.stringify(stopped.state())));
    const resumed = anchorsOf({ weight: 1 }, saved);
    for (const anchors of [straight, resumed]) anchors.observe(terms(Math.PI));
    expect(resumed.state()).toEqual(straight.state());
  });

  it('has no anchors and no state with weight 0', () => {
    const anchors = anchorsOf({ weight: 0 }, { A: empty(), B: empty() });
    anchors.observe(terms(1));
    expect(anchors.anchors).toBeUndefined();
    expect(anchors.state()).toBeUndefined();
  });
});

const empty = () => ({ real: [0, 0, 0], fake: [0, 0, 0] });

describe('a run with LeCam regularisation', () => {
  const runs = RunFolders.prepare();

  it('feeds each step the averages of those before it, and saves them in checkpoints', async () => {
    const lecam = { weight: 0.5, decay: 0.5 };
    const config = runs.config(3, { training: { lecam }, log: { everySteps: 1 } });
    const steps = ofType(await runs.train(config), 'step').map((event) => event.terms);
    expect(steps.every((step) => step['discriminators/lecam']! > 0)).toBe(true);
    const followed = anchorsOf(lecam);
    for (const step of steps) followed.observe(step);
    const state = JSON.parse(await readFile(join(runs.checkpointAt(3), 'state.json'), 'utf8'));
    expect(state.lecamAnchors).toEqual(followed.state());
  });

  it('has no averages in its checkpoints without it', async () => {
    await runs.train(runs.config(1));
    const state = JSON.parse(await readFile(join(runs.checkpointAt(1), 'state.json'), 'utf8'));
    expect(Object.keys(state)).not.toContain('lecamAnchors');
  });
});
