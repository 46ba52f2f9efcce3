import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { InputError } from '../../src/base/errors.js';
import { configKeys } from '../../src/config/json-schema.js';
import { loadConfig } from '../../src/config/load.js';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { RunFolders } from '../support/runs.js';

// Two losses that no other file names: one with options, and one whose input is computed on demand.
vi.mock(import('../../src/losses/registry.js'), async (original) => {
  const { z } = await import('zod');
  const { defineLoss, weight } = await import('../../src/losses/loss.js');
  const { affine, mean, scalarOf, square } = await import('../../src/ops/arithmetic.js');
  const { l1Distance } = await import('../../src/losses/reconstruction.js');
  const brightness = defineLoss({
    config: z
      .strictObject({
        weight: weight('Weight of the brightness loss.').default(0),
        level: z.number().default(0).describe('Brightness of translations.'),
      })
      .prefault({})
      .describe('Translations have one brightness.'),
    inputs: ['translated'],
    trainsDecoder: true,
    term: ({ translated }, { level }) => scalarOf(mean(square(affine(translated, 1, -level)))),
  });
  const repetition = defineLoss({
    config: weight('Weight of the repetition loss.').default(0),
    inputs: ['rebuilt', 'mixed'],
    trainsDecoder: false,
    term: ({ rebuilt, mixed }) => l1Distance(rebuilt, mixed),
  });
  return { losses: { ...(await original()).losses, brightness, repetition } };
});

const runs = RunFolders.prepare();

/** The config's section with values for losses that its type does not have. */
const lossesWith = (added: object) => added as PartialConfig['losses'];
const messageFor = (...overrides: string[]): string => {
  try {
    loadConfig({ overrides: ['losses.lpips.weight=0', ...overrides] });
  } catch (error) {
    return (error as InputError).message;
  }
  return 'none';
};
const WITHOUT_OTHERS = ['adversarial=0', 'cycle.weight=0', 'styleReconstruction=0'].map(
  (setting) => `losses.${setting}`,
);

describe('a loss that is added to the registry', () => {
  it('trains: its terms are in the log, and its options in the config of the checkpoint', async () => {
    const config = runs.config(2, {
      losses: lossesWith({ brightness: { weight: 2, level: 0.5 }, repetition: 3 }),
      log: { everySteps: 1 },
      runtime: { capture: true },
    });
    await runs.train(config);
    const rows = await runs.metrics();
    expect(rows.map(({ step }) => step)).toEqual([1, 2]);
    for (const { terms } of rows) {
      expect(terms['generators/brightness']).toBeGreaterThan(0);
      expect(terms['generators/repetition']).toBeGreaterThan(0);
      expect(Object.keys(terms)).not.toContain('generators/identity');
    }
    const saved = JSON.parse(await readFile(join(runs.checkpointAt(2), 'config.json'), 'utf8')) as Config;
    expect(saved.losses).toMatchObject({ brightness: { weight: 2, level: 0.5 }, repetition: 3 });
  });

  it('has a term that is proportional to its weight, and none with weight 0', async () => {
    const first = async (weight: number) => {
      const runDir = join(runs.folder, String(weight));
      const losses = lossesWith({ brightness: { weight, level: 0.5 } });
      await runs.train(runs.config(1, { losses }), { runDir });
      return (await runs.metrics(runDir))[0]!.terms;
    };
    const [none, once, thrice] = [await first(0), await first(1), await first(3)];
    expect(Object.keys(none!)).not.toContain('generators/brightness');
    expect(thrice!['generators/brightness']! / once!['generators/brightness']!).toBeCloseTo(3, 4);
  });

  it('has its options and defaults in the config, where others are unknown', () => {
    const { losses } = loadConfig({ overrides: ['losses.lpips.weight=0', 'losses.brightness.level=0.2'] });
    expect(losses).toMatchObject({ brightness: { weight: 0, level: 0.2 }, repetition: 0 });
    expect(configKeys()).toContain('losses.brightness.level');
    expect(messageFor('losses.brightness.levle=1')).toContain('did you mean losses.brightness.level?');
    expect(messageFor('losses.brightness.level=high')).toContain('losses.brightness.level (--set)');
  });

  it('may be the only one that trains the decoders if it says so', () => {
    expect(messageFor(...WITHOUT_OTHERS, 'losses.brightness.weight=1')).toBe('none');
    expect(messageFor(...WITHOUT_OTHERS, 'losses.repetition=1')).toContain(
      'a weight above 0 for adversarial, cycle, lpips, styleReconstruction, identity, styleDiversification, equivariance, spectrum or brightness',
    );
  });
});
