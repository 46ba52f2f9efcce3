import { describe, expect, it } from 'vitest';
import type { PartialConfig } from '../../src/config/schema.js';
import {
  betasAt,
  emaDecayAt,
  hasR1,
  isInitialization,
  learningRateAt,
  r1FactorAt,
  r1WeightOf,
} from '../../src/optim/schedule.js';
import { tinyConfig } from '../support/config.js';

const trainingOf = (changes: PartialConfig['training']) =>
  tinyConfig({ training: changes, losses: { identity: 1 } }).training;

const training = trainingOf({
  learningRate: 0.002,
  decayEverySteps: 100,
  decayFactor: 0.5,
  r1EverySteps: 16,
  r1Weight: 10,
});

describe('the step schedule', () => {
  it('multiplies the learning rate by decayFactor every decayEverySteps, as StepLR does', () => {
    const rates = [0, 99, 100, 199, 200, 1000].map((step) => learningRateAt(step, training));
    expect(rates).toEqual([0.002, 0.002, 0.001, 0.001, 0.0005, 0.002 * 0.5 ** 10]);
  });

  it('raises the learning rate linearly over the warm-up steps', () => {
    const rates = [0, 1, 2, 3, 4].map((step) => learningRateAt(step, { ...training, warmUpSteps: 3 }));
    for (const [i, rate] of [0.0005, 0.001, 0.0015, 0.002, 0.002].entries())
      expect(rates[i]).toBeCloseTo(rate, 12);
  });

  it('has the learning rate of the initialization phase in its steps, multiplied by the warm-up', () => {
    const changed = trainingOf({
      ...training,
      initialization: { steps: 2, learningRate: 0.5 },
      warmUpSteps: 1,
    });
    expect([0, 1, 2, 3].map((step) => isInitialization(step, changed))).toEqual([true, true, false, false]);
    expect([0, 1, 2, 3, 100].map((step) => learningRateAt(step, changed))).toEqual([
      0.25, 0.5, 0.002, 0.002, 0.001,
    ]);
    expect(isInitialization(0, training)).toBe(false);
  });

  it('applies R1 in step 0 and every r1EverySteps after it, and never with weight 0', () => {
    const steps = [...Array(40).keys()];
    expect(steps.filter((step) => hasR1(step, training))).toEqual([0, 16, 32]);
    expect(steps.filter((step) => hasR1(step, { ...training, r1Weight: 0 }))).toEqual([]);
  });
});

describe('a cosine', () => {
  const STEPS = 1000;
  /** As R3GAN's paper has it: from its base to its final value by half a cosine over images, then the final value. */
  const inImages = (images: number, base: number, final: number, total: number): number =>
    images > total ? final : base - (base - final) * (0.5 - 0.5 * Math.cos((Math.PI * images) / total));
  const looked = [0, 1, 250, 500, 999, 1000, 1500];
  const cosines = { learningRateFactor: 0.25, beta2: 0.99, r1Factor: 0.1 };
  const withCosines = trainingOf({ steps: STEPS, batch: 4, betas: [0, 0.9], cosine: cosines });

  it("moves the learning rate, Adam's second beta and the factor on R1 from their start to their end", () => {
    for (const step of looked) {
      const [images, total] = [step * 4, STEPS * 4];
      expect(learningRateAt(step, withCosines)).toBeCloseTo(inImages(images, 0.002, 0.0005, total), 12);
      expect(betasAt(step, withCosines).first).toBe(0);
      expect(betasAt(step, withCosines).second).toBeCloseTo(inImages(images, 0.9, 0.99, total), 12);
      expect(r1FactorAt(step, withCosines)).toBeCloseTo(inImages(images, 1, 0.1, total), 12);
    }
  });

  it('has a length of its own, after which values stay, and is multiplied by the warm-up', () => {
    const changed = trainingOf({
      steps: STEPS,
      warmUpSteps: 99,
      cosine: { steps: 100, learningRateFactor: 0.5 },
    });
    expect(learningRateAt(49, changed)).toBeCloseTo(0.5 * inImages(49, 0.002, 0.001, 100), 12);
    expect([100, 999].map((step) => learningRateAt(step, changed))).toEqual([0.001, 0.001]);
  });

  it('that the config does not ask for leaves its value as it was', () => {
    const one = trainingOf({ steps: STEPS, decayEverySteps: 100, cosine: { r1Factor: 0 } });
    expect(learningRateAt(250, one)).toBe(0.0005);
    expect(betasAt(250, one)).toEqual({ first: 0, second: 0.99 });
    expect(r1FactorAt(1000, one)).toBe(0);
    expect(r1FactorAt(250, training)).toBe(1);
  });
});

describe("R1's weight", () => {
  it('is the number of the config, or follows from size and batch', () => {
    const weightOf = (r1Weight: number | 'auto', size: number, batch: number) =>
      r1WeightOf(tinyConfig({ model: { size }, training: { r1Weight, batch } }));
    expect(weightOf(7, 64, 4)).toBe(7);
    // StyleGAN2-ADA's gamma of 256 px at a batch of 4 is 3.2768, and the batch makes our penalty 16 times smaller.
    expect(weightOf('auto', 256, 4)).toBeCloseTo(3.2768 * 16, 10);
    expect(weightOf('auto', 128, 8)).toBeCloseTo(0.4096 * 64, 10);
  });

  it('as auto has R1 in the same steps as a number', () => {
    const auto = trainingOf({ r1Weight: 'auto', r1EverySteps: 16 });
    expect([...Array(40).keys()].filter((step) => hasR1(step, auto))).toEqual([0, 16, 32]);
  });
});

describe('the decay of the averages', () => {
  it('is that of the config without a ramp', () => {
    expect([0, 10, 1e6].map((step) => emaDecayAt(step, trainingOf({ emaDecay: 0.998 })))).toEqual([
      0.998, 0.998, 0.998,
    ]);
  });

  it('with a ramp is that of StyleGAN2-ADA, whose half-life is a share of the images seen up to a nominal one', () => {
    const [batch, rampUp, emaDecay] = [32, 0.05, 0.998];
    const ramped = trainingOf({ batch, emaDecay, emaRampUp: rampUp });
    const nominalImages = (batch * Math.LN2) / -Math.log(emaDecay);
    for (const step of [0, 1, 50, 5000, 6900, 7000, 100_000]) {
      const images = Math.min(nominalImages, step * batch * rampUp);
      expect(emaDecayAt(step, ramped)).toBeCloseTo(0.5 ** (batch / Math.max(images, 1e-8)), 12);
    }
    expect(emaDecayAt(0, ramped)).toBe(0);
    // Half of the nominal half-life of 346 steps, after 20 times as many.
    expect(emaDecayAt(3462, ramped)).toBeCloseTo(emaDecay ** 2, 6);
    expect(emaDecayAt(1e5, ramped)).toBeCloseTo(emaDecay, 12);
  });

  it('with a ramp and no averaging stays 0', () => {
    expect(emaDecayAt(100, trainingOf({ emaDecay: 0, emaRampUp: 0.05 }))).toBe(0);
  });
});
