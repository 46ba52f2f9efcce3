// Steps whose weights and rates change along the run.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { type HostBatch, inputSpecs } from '../../src/gan/batch.js';
import { bothDomains, DOMAINS, GENERATOR_FROM } from '../../src/gan/domains.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import type { StepContext } from '../../src/gan/step.js';
import { stepScalars } from '../../src/gan/step-scalars.js';
import { sizeOf } from '../../src/model/parameters.js';
import { loadEngine } from '../../src/runtime/node.js';
import { CapturedTrainer } from '../../src/train/captured-trainer.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import type { TermValues } from '../../src/train/trainer.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { collectState } from '../support/state.js';

beforeAll(async () => {
  await loadEngine();
});

const STEPS = 4;

/** All that changes along a run, in so few steps that it shows. */
const EVERYTHING: PartialConfig = {
  training: {
    steps: STEPS,
    batch: 3,
    betas: [0, 0.9],
    r1Weight: 'auto',
    r1EverySteps: 2,
    emaDecay: 0.7,
    emaRampUp: 0.5,
    cosine: { learningRateFactor: 0.25, beta2: 0.99, r1Factor: 0.1 },
  },
  losses: { styleDiversification: { weight: 2, decaySteps: 3 } },
};

function contextOf(changes: PartialConfig): StepContext {
  const config = tinyConfig({ ...changes, model: MIN_LAYERS });
  return { config, networks: buildNetworks(config) };
}

const initialOf = ({ config, networks }: StepContext) => ({
  values: initNetworks(networks, new Rng(config.training.seed, 'init')),
});

/** Takes steps on noise, from the first; the state after each, and its terms. */
async function train(
  changes: PartialConfig,
  { Kind = EagerTrainer as typeof EagerTrainer | typeof CapturedTrainer, steps = STEPS } = {},
) {
  const context = contextOf(changes);
  const trainer = new Kind(context, initialOf(context));
  const terms: TermValues[] = [];
  const states = [];
  for (let step = 0; step < steps; step++) {
    terms.push(await trainer.step(noiseBatch(context.config, step), step));
    states.push(collectState(trainer.read()));
  }
  trainer.dispose();
  return { context, terms, states };
}

describe('a step', () => {
  it('takes four numbers, and more only where the config makes them change', () => {
    const always = ['generators', 'discriminators'].flatMap((side) => [
      `${side}/stepSize`,
      `${side}/rootCorrection`,
    ]);
    const names = (changes: PartialConfig) => Object.keys(stepScalars(contextOf(changes), 0));
    expect(names({})).toEqual(always);
    expect(names({ training: { r1Weight: 'auto', cosine: { learningRateFactor: 0.5 } } })).toEqual(always);
    expect(names({ losses: { styleDiversification: { weight: 1 } } })).toEqual(always);
    expect(names({ losses: { styleDiversification: { weight: 0, decaySteps: 9 } } })).toEqual(always);
    expect(names(EVERYTHING).filter((name) => !always.includes(name))).toEqual([
      'generators/secondShare',
      'discriminators/secondShare',
      'r1Factor',
      'emaShare',
      'losses/styleDiversification',
    ]);
  });

  it('has the same terms and reaches the same averages captured as kernel by kernel', async () => {
    const eager = await train(EVERYTHING);
    const captured = await train(EVERYTHING, { Kind: CapturedTrainer });
    expect(captured.terms.map(Object.keys)).toEqual(eager.terms.map(Object.keys));
    eager.terms.forEach((terms, step) => {
      for (const [name, value] of Object.entries(terms))
        expect(Math.abs(captured.terms[step]![name]! - value), `${name} in step ${step}`).toBeLessThan(
          1e-3 * (Math.abs(value) + 1e-3),
        );
    });
  });

  it('continues from a saved state as if nothing had interrupted it', async () => {
    const { context, states } = await train(EVERYTHING);
    const resumed = new EagerTrainer(context, states[1]!);
    for (const step of [2, 3]) await resumed.step(noiseBatch(context.config, step), step);
    expect(collectState(resumed.read())).toEqual(states[3]);
    resumed.dispose();
  });
});

describe('the averages with a ramp', () => {
  it('are those of a plain loop over the weights of the steps, with the half-life of the step', async () => {
    const { context, states } = await train({ training: { batch: 2, emaDecay: 0.7, emaRampUp: 0.5 } });
    const pick = (values: (typeof states)[number]['ema']) => values.G_A2B!['conv1.conv.weight']!;
    let average = Array.from(pick(initialOf(context).values));
    const nominal = Math.log(2) / -Math.log(0.7);
    const decays: number[] = [];
    for (const [step, { values, ema }] of states.entries()) {
      const decay = step === 0 ? 0 : 2 ** (-1 / Math.min(nominal, 0.5 * step));
      decays.push(decay);
      average = average.map((value, i) => decay * value + (1 - decay) * pick(values)[i]!);
      average.forEach((value, i) => {
        expect(pick(ema)[i]!).toBeCloseTo(value, 5);
      });
    }
    expect(decays).toEqual([0, 0.25, 0.5, expect.closeTo(2 ** (-1 / 1.5), 10)]);
  });
});

describe('the R1 penalty', () => {
  const r1Terms = async (training: PartialConfig['training']) => {
    const { terms } = await train(
      { training: { batch: 2, r1EverySteps: 1, steps: 2, ...training } },
      { steps: 2 },
    );
    return terms.map((of) => of['discriminators/r1A']!);
  };

  it('is multiplied by its factor of the step, and its weight follows from size and batch', async () => {
    // The learning rate is so small that both runs have the same weights in the second step.
    const learningRate = 1e-9;
    const constant = await r1Terms({ learningRate, r1Weight: 1 });
    const falling = await r1Terms({ learningRate, r1Weight: 1, cosine: { r1Factor: 0.2 } });
    expect(falling[0]! / constant[0]!).toBeCloseTo(1, 4);
    expect(falling[1]! / constant[1]!).toBeCloseTo(0.6, 4);
    const auto = await r1Terms({ learningRate, r1Weight: 'auto' });
    expect(auto[0]! / constant[0]!).toBeCloseTo(0.0002 * 32 ** 2 * 2, 4);
  });
});

describe('style diversification in a step', () => {
  const WEIGHT = 2;
  const losses = { styleDiversification: { weight: WEIGHT } };
  const context = contextOf({ training: { batch: 3 }, losses });
  const { batch: count } = context.config.training;
  /** Whose style an image is compared in: neighbours swap, and the last of an odd number takes the first. */
  const PARTNERS = [1, 0, 0];
  /** A batch whose translations are in the drawn styles. */
  const drawnBatch = (): HostBatch => {
    const batch = noiseBatch(context.config, 1);
    const pick = Int32Array.from({ length: count }, (_, i) => i);
    return bothDomains((domain) => ({ ...batch[domain], pick }));
  };

  /** Decodes image by image, with the networks alone, and compares each image in its style with it in its neighbour's. */
  function expectedTerm(batch: HostBatch): number {
    const { generator, generators } = context.networks;
    return tf.tidy(() => {
      const stored = generators.parameters(
        generators.pack(initialOf(context).values).map((bucket) => tf.tensor1d(bucket)),
      );
      const row = (values: Float32Array, shape: number[], i: number): tf.Tensor => {
        const size = sizeOf(shape) / count;
        return tf.tensor(values.slice(i * size, (i + 1) * size), [1, ...shape.slice(1)]);
      };
      let sum = 0;
      for (const domain of DOMAINS) {
        const params = generator.derive(stored[GENERATOR_FROM[domain]]!);
        const specs = inputSpecs(context.config);
        const differences = Array.from({ length: count }, (_, i) => {
          const image = row(batch[domain].same, specs[`${domain}/same`]!.shape, i);
          const { content } = generator.encode(params, image);
          const [one, other] = [i, PARTNERS[i]!].map((k) => {
            const style = row(batch[domain].drawn, specs[`${domain}/drawn`]!.shape, k);
            return generator.decode(params, content, style).dataSync<'float32'>();
          });
          return one!.reduce((total, value, p) => total + Math.abs(value - other![p]!), 0) / one!.length;
        });
        sum += differences.reduce((total, value) => total + value, 0) / count;
      }
      return -WEIGHT * sum;
    });
  }

  const termsOf = async (changes: PartialConfig['losses'], step = 0): Promise<TermValues> => {
    const changed = contextOf({ training: { batch: count }, losses: changes });
    const trainer = new EagerTrainer(changed, initialOf(changed));
    const terms = await trainer.step(drawnBatch(), step);
    trainer.dispose();
    return terms;
  };
  const NAME = 'generators/styleDiversification';

  it('is minus the mean difference of each content in its style and in that of its neighbour in the batch, of both domains', async () => {
    const expected = expectedTerm(drawnBatch());
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
    const trained = contextOf({ training: { batch: count }, losses: alone });
    const trainer = new EagerTrainer(trained, initialOf(trained));
    const terms: number[] = [];
    for (let step = 0; step < 4; step++) terms.push((await trainer.step(drawnBatch(), 0))[NAME]!);
    trainer.dispose();
    expect(terms.toSorted((a, b) => b - a)).toEqual(terms);
    expect(terms[3]! / terms[0]!).toBeGreaterThan(1.05);
  });
});
