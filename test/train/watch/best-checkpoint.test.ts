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

it('is the step with the best mean since the one before', () => {
  const best = new BestCheckpoint(rule);
  expect(stretch(best, 10, [4, 2])).toBe(10);
  expect(stretch(best, 20, [1, 9])).toBe(10);
  expect(stretch(best, 30, [2.5, 3.4])).toBe(30);
  expect(stretch(best, 40, [2.95])).toBe(30);
  expect(best.state().best).toEqual({ metric: 'generators/cycle', step: 30, value: 2.95 });
});

it('may be the highest', () => {
  const best = new BestCheckpoint({ ...rule, order: 'highest' });
  stretch(best, 10, [1]);
  stretch(best, 20, [3]);
  expect(stretch(best, 30, [2])).toBe(20);
});

it('says where the metric had no value, and asks for none without a rule', () => {
  const best = new BestCheckpoint({ ...rule, metric: 'generators/none' });
  best.observe(cycle(1));
  expect(best.closeStretch(10)).toBe(false);
  expect(best.step).toBeUndefined();
  const none = new BestCheckpoint(null);
  none.observe(cycle(1));
  expect(none.closeStretch(10)).toBe(true);
  expect(none.step).toBeUndefined();
});

it('goes on from its state, in the middle of a stretch too; another metric starts anew', () => {
  const before = new BestCheckpoint(rule);
  stretch(before, 10, [3]);
  before.observe(cycle(1));
  const state = JSON.parse(JSON.stringify(before.state()));
  expect(stretch(new BestCheckpoint(rule, state), 20, [6])).toBe(10);
  expect(stretch(new BestCheckpoint(rule, state), 20, [4])).toBe(20);
  expect(new BestCheckpoint({ ...rule, metric: 'generators/other' }, state).step).toBeUndefined();
});
