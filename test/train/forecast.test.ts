import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { forecast, median } from '../../src/train/forecast.js';
import { failure, RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

it('tells sizes, and times that add up, and leaves nothing', async () => {
  const told: string[] = [];
  const config = runs.config(10, { training: { r1EverySteps: 4 } });
  const found = await forecast(config, (done, total) => told.push(`${done}/${total}`));
  expect(told.at(-1)).toBe(`${told.length}/${told.length}`);
  expect(found.images).toEqual({ trainA: 5, trainB: 5 });
  expect(found.parameters.generators).toBeGreaterThan(found.parameters.discriminators / 1000);
  const { plain, withR1 } = found.stepSeconds;
  // Steps 0, 4 and 8 have R1.
  expect(found.totalSeconds).toBeCloseTo(3 * withR1 + 7 * plain, 9);
  expect(found.peakRssBytes).toBeGreaterThan(10e6);
  expect(existsSync(runs.runDir)).toBe(false);
});

it('refuses what the run would refuse', async () => {
  const config = runs.config(2, { data: { root: `${runs.folder}/none` } });
  expect(await failure(forecast(config))).toBeInstanceOf(InputError);
});

it('finds the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
