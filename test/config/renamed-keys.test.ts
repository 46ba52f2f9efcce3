import { afterEach, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { onNotice } from '../../src/base/notices.js';
import { loadConfig } from '../../src/config/load.js';

afterEach(() => onNotice(() => undefined));

test('loadConfig reads earlier names of keys, with one notice each', () => {
  const notices: string[] = [];
  onNotice((text) => notices.push(text));
  const overrides = [
    'training.rates={"G_A2B/*":0.5}',
    'watch.mostRollbacks=2',
    'watch.leastDiversity=0.2',
    'training.steps=7',
    'losses.lpips.weight=0',
  ];
  const config = loadConfig({ overrides });
  expect(config.training).toMatchObject({ lrMultipliers: { 'G_A2B/*': 0.5 }, steps: 7 });
  expect(config.watch).toMatchObject({ maxRollbacks: 2, minDiversity: 0.2 });
  loadConfig({ overrides });
  expect(notices).toEqual([
    'training.rates (--set) is called training.lrMultipliers now; the old name still works.',
    'watch.leastDiversity (--set) is called watch.minDiversity now; the old name still works.',
    'watch.mostRollbacks (--set) is called watch.maxRollbacks now; the old name still works.',
  ]);
});

test('loadConfig rejects a key under both names', () => {
  const overrides = ['watch.mostRollbacks=2', 'watch.maxRollbacks=3', 'losses.lpips.weight=0'];
  expect(() => loadConfig({ overrides })).toThrow(InputError);
  expect(() => loadConfig({ overrides })).toThrow(/either watch\.maxRollbacks or watch\.mostRollbacks.*both/);
});
