import { describe, expect, test } from 'vitest';
import { LOSS_NAMES } from '../../src/losses/chosen.js';
import { jsonLines, noMpi, RankFolder } from '../support/mpi.js';

const ranks = RankFolder.prepare();

/** What the script prints of a case: relative differences. */
interface Differences {
  name: string;
  generators: number;
  discriminators: number;
  terms: Record<string, number>;
}

const TOLERANCE = 1e-5;

/** Runs cases (changes of the config by name) on two ranks. */
async function differences(cases: object): Promise<Map<string, Differences>> {
  const { status, stdout, stderr } = await ranks.runScript(2, 'gradients', [JSON.stringify(cases)]);
  expect(status, stderr).toBe(0);
  return new Map(jsonLines<Differences>(stdout).map((line) => [line.name, line]));
}

/** Weights of all losses; one alone must train the decoders too, so each comes with the cycle's. */
const only = (name: string) =>
  Object.fromEntries(
    LOSS_NAMES.map((one) => {
      const weight = one === name ? 3 : one === 'cycle' ? 1 : 0;
      const hasOptions = ['cycle', 'styleConsistency', 'styleDiversification', 'lpips'].includes(one);
      const weights = one === 'lpips' && { weights: 'given by the test' };
      return [one, hasOptions ? { weight, ...weights } : weight];
    }),
  );

describe.skipIf(noMpi !== undefined)('with global statistics, 2 ranks of batch 2', () => {
  test('give the gradients and terms of 1 rank of batch 4, R1, R2 and LeCam included', async () => {
    const recipe = { r1Weight: 10, r2Factor: 1, lecam: { weight: 0.1 } };
    const found = await differences({
      main: { training: { ...recipe, adaptiveAugment: { enabled: true, initial: 0.5 } } },
      automatic: { training: { r1Weight: 'auto' } },
      relativistic: { training: { ...recipe, adversarialForm: 'relativistic' } },
      train: { model: { variant: 'train' }, losses: { styleConsistency: { form: 'cosine' } } },
      microBatches: { training: recipe, runtime: { microBatch: 1 } },
    });
    expect([...found.keys()]).toEqual(['main', 'automatic', 'relativistic', 'train', 'microBatches']);
    for (const [name, { generators, discriminators, terms }] of found) {
      expect(generators, name).toBeLessThan(TOLERANCE);
      expect(discriminators, name).toBeLessThan(TOLERANCE);
      for (const [term, difference] of Object.entries(terms))
        expect(difference, `${name}, ${term}`).toBeLessThan(TOLERANCE);
    }
    expect(Object.keys(found.get('main')!.terms)).toEqual(
      expect.arrayContaining(['discriminators/r1A', 'discriminators/r2B', 'discriminators/lecam']),
    );
  });

  test('give the gradients and the term of 1 rank of batch 4 for every loss of its own, LPIPS included', async () => {
    const found = await differences(
      Object.fromEntries(LOSS_NAMES.map((name) => [name, { losses: only(name) }])),
    );
    expect([...found.keys()]).toEqual(LOSS_NAMES);
    for (const [name, { generators, terms }] of found) {
      expect(generators, name).toBeLessThan(TOLERANCE);
      expect(terms[`generators/${name}`], name).toBeLessThan(TOLERANCE);
    }
  });
});

test.skipIf(noMpi !== undefined)(
  'without global statistics, the deviation over the batch is that of each rank',
  async () => {
    const found = await differences({ own: { distributed: { globalStatistics: false } } });
    expect(found.get('own')!.discriminators).toBeGreaterThan(TOLERANCE);
  },
);
