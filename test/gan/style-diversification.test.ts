// The loss that makes translations of one image in two styles differ.
import { beforeAll, describe, expect, it } from 'vitest';
import type { PartialConfig } from '../../src/config/schema.js';
import type { HostBatch } from '../../src/gan/batch.js';
import { DOMAINS } from '../../src/gan/domains.js';
import { loadEngine } from '../../src/runtime/node.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import { drawnBatch, drawnStepTerms, initialOf, rowTranslator, smallContext } from '../support/drawn-step.js';

beforeAll(async () => {
  await loadEngine();
});

describe('style diversification in a step', () => {
  const WEIGHT = 2;
  const losses = { styleDiversification: { weight: WEIGHT } };
  const context = smallContext({ training: { batch: 3 }, losses });
  const { batch: count } = context.config.training;
  const NAME = 'generators/styleDiversification';
  /** Whose style an image is compared in: neighbours swap, and the last of an odd number takes the first. */
  const PARTNERS = [1, 0, 0];

  /** Compares each image in its style with it in its neighbour's, translated one by one with the networks alone. */
  function expectedTerm(batch: HostBatch): number {
    const translate = rowTranslator(context, batch);
    let sum = 0;
    for (const domain of DOMAINS)
      for (const [row, partner] of PARTNERS.entries()) {
        const [one, other] = [translate(domain, row, row), translate(domain, row, partner)];
        const total = one.reduce((all, value, i) => all + Math.abs(value - other[i]!), 0);
        sum += total / one.length / count;
      }
    return -WEIGHT * sum;
  }

  const termsOf = (changes: PartialConfig['losses'], step = 0) =>
    drawnStepTerms({ training: { batch: count }, losses: changes }, step);

  it('is minus the mean difference of each content in its style and in that of its neighbour in the batch, of both domains', async () => {
    const expected = expectedTerm(drawnBatch(context));
    expect(expected).toBeLessThan(-1e-3);
    expect((await termsOf(losses))[NAME]! / expected).toBeCloseTo(1, 4);
  });

  it('has no term with weight 0, and changes no other term', async () => {
    const { [NAME]: own, ...others } = await termsOf(losses);
    expect(own).toBeLessThan(0);
    expect(await termsOf({})).toEqual(others);
  });

  it('falls linearly to 0 over its steps, and stays there', async () => {
    const falling = { styleDiversification: { weight: WEIGHT, decaySteps: 4 } };
    const constant = (await termsOf(losses))[NAME]!;
    for (const [step, factor] of [
      [0, 1],
      [1, 0.75],
      [3, 0.25],
      [4, 0],
      [9, 0],
    ] as const)
      expect((await termsOf(falling, step))[NAME]! / constant, `in step ${step}`).toBeCloseTo(factor, 4);
  });

  it('makes translations in two styles differ more when it is all that the decoders learn from', async () => {
    const alone = {
      ...losses,
      adversarial: 0,
      cycle: { weight: 0 },
      styleReconstruction: 0,
      latentAdversarial: 0,
      styleConsistency: { weight: 0 },
    };
    const trained = smallContext({ training: { batch: count }, losses: alone });
    const trainer = new EagerTrainer(trained, initialOf(trained));
    const batch = drawnBatch(trained);
    const terms: number[] = [];
    for (let step = 0; step < 4; step++) terms.push((await trainer.step(batch, 0))[NAME]!);
    trainer.dispose();
    expect(terms.toSorted((a, b) => b - a)).toEqual(terms);
    expect(terms[3]! / terms[0]!).toBeGreaterThan(1.05);
  });
});
