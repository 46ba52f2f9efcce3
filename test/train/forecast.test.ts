import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { buildNetworks } from '../../src/gan/networks.js';
import { forecast, maxLoss, median, type StageForecast } from '../../src/train/forecast.js';
import type { Translator } from '../../src/translate/translator.js';
import { rejection } from '../support/rejection.js';
import { RunFolders } from '../support/runs.js';

const runs = RunFolders.prepare();

it('a forecast has sizes and times that add up, and writes nothing', async () => {
  const progress: string[] = [];
  const config = runs.config(10, { training: { r1EverySteps: 4 } });
  const result = await forecast(config, (done, total) => progress.push(`${done}/${total}`));
  expect(progress.at(-1)).toBe(`${progress.length}/${progress.length}`);
  expect(result.images).toEqual({ trainA: 5, trainB: 5 });
  const { generators, discriminators } = buildNetworks(config);
  expect(result.stages).toMatchObject([{ size: 32, batch: 2, steps: 10, seconds: result.totalSeconds }]);
  const { parameters, stepSeconds } = result.stages[0]!;
  expect(parameters).toEqual({
    generators: generators.parameterCount,
    discriminators: discriminators.parameterCount,
  });
  const { plain, withR1 } = stepSeconds;
  // Steps 0, 4 and 8 have R1.
  expect(result.totalSeconds).toBeCloseTo(3 * withR1 + 7 * plain, 9);
  expect(result.maxLoss).toEqual({ steps: 10, seconds: expect.closeTo(result.totalSeconds, 9) });
  expect(result.peakRssBytes).toBeGreaterThanOrEqual(process.memoryUsage.rss() / 2);
  expect(existsSync(runs.runDir)).toBe(false);
});

it('a forecast counts the evaluations of the run', async () => {
  const config = runs.config(10, { training: { r1EverySteps: 4 }, evaluation: { everySteps: 4 } });
  const sizes: number[] = [];
  const evaluate = async ({ architecture }: Translator) => sizes.push(architecture.size);
  const { stages, totalSeconds } = await forecast(config, undefined, evaluate);
  const { evaluationSeconds, stepSeconds } = stages[0]!;
  expect(sizes).toEqual([config.model.size]);
  expect(evaluationSeconds).toBeGreaterThan(0);
  const { plain, withR1 } = stepSeconds;
  // Steps 0, 4 and 8 have R1; evaluations follow the steps that make 4, 8 and 10.
  expect(totalSeconds).toBeCloseTo(3 * withR1 + 7 * plain + 3 * evaluationSeconds!, 9);
});

it('a forecast of a run that grows has the sizes, steps and times of each stage', async () => {
  const growth = [{ atStep: 6, size: 64, batch: 3 }];
  const config = runs.config(10, {
    model: { channels: { 64: 512 } },
    training: { r1EverySteps: 4, growth },
    checkpoint: { everySteps: 3 },
  });
  const { stages, totalSeconds, maxLoss: loss } = await forecast(config);
  expect(stages).toMatchObject([
    { size: 32, batch: 2, steps: 6 },
    { size: 64, batch: 3, steps: 4 },
  ]);
  // Steps 0 and 4, and then step 8, have R1.
  const [first, second] = stages as [StageForecast, StageForecast];
  expect(first.seconds).toBeCloseTo(2 * first.stepSeconds.withR1 + 4 * first.stepSeconds.plain, 9);
  expect(second.seconds).toBeCloseTo(second.stepSeconds.withR1 + 3 * second.stepSeconds.plain, 9);
  expect(second.parameters.generators).toBeGreaterThan(first.parameters.generators);
  expect(totalSeconds).toBeCloseTo(first.seconds + second.seconds, 9);
  expect(loss).toEqual({ steps: 3, seconds: 3 * Math.max(first.seconds / 6, second.seconds / 4) });
});

it.each([
  [{ everySteps: 100, everyMinutes: 30 }, 1, { steps: 100, seconds: 100 }],
  [{ everySteps: 2000, everyMinutes: 30 }, 7, { steps: 258, seconds: 1806 }],
  [{ everySteps: 2000, everyMinutes: null }, 7, { steps: 2000, seconds: 14_000 }],
  [{ everySteps: 90_000, everyMinutes: null }, 1, { steps: 3000, seconds: 3000 }],
])(
  'with checkpoints by %j and steps of %d s, a crash of a run of 3000 steps costs at most %j',
  (checkpoint, seconds, loss) => {
    expect(maxLoss(runs.config(3000, { checkpoint }), seconds)).toEqual(loss);
  },
);

it('a forecast rejects a dataset that the run would reject', async () => {
  const config = runs.config(2, { data: { root: `${runs.folder}/none` } });
  expect(await rejection(forecast(config))).toBeInstanceOf(InputError);
});

it('median is the middle value, or the mean of the two middle values', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
