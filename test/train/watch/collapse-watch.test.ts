import { describe, expect, it } from 'vitest';
import { CollapseWatch } from '../../../src/train/watch/collapse-watch.js';
import { tinyConfig } from '../../support/config.js';

const config = tinyConfig({
  watch: { fromStep: 10, realSignLimit: 0.8, minDiversity: 0.1 },
});

const signs = (A: number, B = 0) => ({ 'signals/realSignA': A, 'signals/realSignB': B });
const diversity = (value: number) => ({ 'signals/styleDiversity': value });

describe('a high average sign of real logits', () => {
  it('causes one warning with domain and remedy, and another after it had improved', () => {
    const watch = new CollapseWatch(config);
    const warned: number[] = [];
    const texts: string[] = [];
    const run = (from: number, to: number, sign: number) => {
      for (let step = from; step <= to; step++)
        for (const text of watch.observe(step, signs(0, sign))) {
          warned.push(step);
          texts.push(text);
        }
    };
    run(1, 9, 1); // No warnings before fromStep.
    run(10, 100, 1);
    expect(warned).toEqual([10]);
    run(101, 110, 0.75); // The average improves too little.
    run(111, 200, 1);
    expect(warned).toEqual([10]);
    run(201, 400, 0);
    run(401, 1000, 1);
    expect(warned.length).toBe(2);
    // After 200 steps of 0 the average is 0.99^200 = 0.13; 146 steps of 1 raise it above 0.8.
    expect(warned[1]).toBe(546);
    expect(texts[0]).toContain('D_B calls 100 %');
    expect(texts[0]).toContain('trainB');
    expect(texts[1]).toContain('D_B calls 90 %');
    expect(texts[1]).toContain('training.r1Weight');
  });

  it('is not caused by a single outlier', () => {
    const watch = new CollapseWatch(config);
    for (let step = 1; step < 50; step++) expect(watch.observe(step, signs(0.2))).toEqual([]);
    expect(watch.observe(50, signs(1, 1))).toEqual([]);
  });
});

describe('low style diversity', () => {
  it('causes a warning if it is small, or far below its maximum', () => {
    const watch = new CollapseWatch(config);
    expect(watch.observe(5, diversity(0.01))).toEqual([]);
    expect(watch.observe(20, diversity(0.05))).toEqual([expect.stringContaining('by 0.05 of what real')]);
    expect(watch.observe(30, diversity(0.04))).toEqual([]);
    expect(watch.observe(40, diversity(0.8))).toEqual([]);
    expect(watch.observe(50, diversity(0.3))).toEqual([]);
    expect(watch.observe(60, diversity(0.2))).toEqual([expect.stringContaining('and was 0.80')]);
    expect(watch.observe(70, diversity(0.245))).toEqual([]);
    expect(watch.observe(80, diversity(0.2))).toEqual([]);
    expect(watch.observe(90, diversity(0.5))).toEqual([]);
    expect(watch.observe(100, diversity(0.2)).length).toBe(1);
  });
});

it('a restored watch continues as if it had never stopped', () => {
  const straight = new CollapseWatch(config);
  let resumed = new CollapseWatch(config);
  const terms = (step: number) => ({
    ...signs(Math.sin(step), 1),
    ...(step % 7 === 0 && diversity(1 / step)),
  });
  for (let step = 1; step < 60; step++) {
    expect(resumed.observe(step, terms(step))).toEqual(straight.observe(step, terms(step)));
    resumed = new CollapseWatch(config, JSON.parse(JSON.stringify(resumed.state())));
  }
  expect(resumed.state()).toEqual(straight.state());
  expect(straight.state().holding.sort()).toEqual(['realSignB', 'styleDiversity']);
});
