import { expect, it } from 'vitest';
import { BestCheckpoint } from '../../../src/train/watch/best-checkpoint.js';

const rule = { metric: 'generators/cycle', order: 'lowest' } as const;
const cycle = (value: number) => ({ 'generators/cycle': value, 'generators/other': -value });

/** Closes a stretch with these values at a step. */
function stretch(best: BestCheckpoint, step: number, values: number[]): number | undefined {
  for (const value of values) best.observe(cycle(value));
  expect(best.closeStretch(step)).toBe(true);
  return best.step;
}

it('the best checkpoint has the lowest mean since the previous checkpoint', () => {
  const best = new BestCheckpoint(rule);
  expect(stretch(best, 10, [4, 2])).toBe(10);
  expect(stretch(best, 20, [1, 9])).toBe(10);
  expect(stretch(best, 30, [2.5, 3.4])).toBe(30);
  expect(stretch(best, 40, [2.95])).toBe(30);
  expect(best.state().best).toEqual({ metric: 'generators/cycle', step: 30, value: 2.95 });
});

it('the best checkpoint may be that of the highest mean', () => {
  const best = new BestCheckpoint({ ...rule, order: 'highest' });
  stretch(best, 10, [1]);
  stretch(best, 20, [3]);
  expect(stretch(best, 30, [2])).toBe(20);
});

it('closeStretch reports a metric without values, and nothing without a rule', () => {
  const best = new BestCheckpoint({ ...rule, metric: 'generators/none' });
  best.observe(cycle(1));
  expect(best.closeStretch(10)).toBe(false);
  expect(best.step).toBeUndefined();
  const none = new BestCheckpoint(null);
  none.observe(cycle(1));
  expect(none.closeStretch(10)).toBe(true);
  expect(none.step).toBeUndefined();
});

it('the search continues from its state, even within a stretch, and starts again for another metric', () => {
  const before = new BestCheckpoint(rule);
  stretch(before, 10, [3]);
  before.observe(cycle(1));
  const state = JSON.parse(JSON.stringify(before.state()));
  expect(stretch(new BestCheckpoint(rule, state), 20, [6])).toBe(10);
  expect(stretch(new BestCheckpoint(rule, state), 20, [4])).toBe(20);
  expect(new BestCheckpoint({ ...rule, metric: 'generators/other' }, state).step).toBeUndefined();
});

it('by a figure of an evaluation, the best checkpoint is that of the best figure of its own step', () => {
  const metric = 'evaluation/landmarks/within5';
  const best = new BestCheckpoint({ metric, order: 'highest' });
  const step = (value?: number) => best.observe(value === undefined ? cycle(1) : { [metric]: value });
  // An evaluation between checkpoints does not count for the next one, nor does a checkpoint without one compete.
  step(0.9);
  step();
  expect([best.closeStretch(2), best.step]).toEqual([true, undefined]);
  step(0.1);
  step(0.5);
  expect([best.closeStretch(4), best.step]).toEqual([true, 4]);
  step();
  step(0.4);
  expect([best.closeStretch(6), best.step]).toEqual([true, 4]);
  step(0.6);
  expect([best.closeStretch(8), best.step]).toEqual([true, 8]);
  expect(best.state().best).toEqual({ metric, step: 8, value: 0.6 });
});
