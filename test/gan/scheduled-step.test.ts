// Steps whose weights and rates change along the run.
import { beforeAll, describe, expect, it } from 'vitest';
import type { PartialConfig } from '../../src/config/schema.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import { stepScalars } from '../../src/gan/step-scalars.js';
import { loadEngine } from '../../src/runtime/node.js';
import { CapturedTrainer } from '../../src/train/captured-trainer.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import type { TermValues } from '../../src/train/trainer.js';
import { initialOf, smallContext } from '../support/drawn-step.js';
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

/** Takes steps on noise, from the first; the state after each, and its terms. */
async function train(
  changes: PartialConfig,
  { Kind = EagerTrainer as typeof EagerTrainer | typeof CapturedTrainer, steps = STEPS } = {},
) {
  const context = smallContext(changes);
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
    const names = (changes: PartialConfig) => Object.keys(stepScalars(smallContext(changes), 0));
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

describe('the initialization phase', () => {
  const changes: PartialConfig = {
    training: { batch: 2, initialization: { steps: 2 } },
    losses: { identity: 5, styleDiversification: { weight: 1, decaySteps: 4 } },
  };

  it('counts only the losses of reproduced images and style codes; after it, all count', async () => {
    const { terms } = await train(changes);
    const ofGenerators = Object.keys(terms[0]!).filter((name) => name.startsWith('generators/'));
    const zero = terms.map((of) => ofGenerators.filter((name) => of[name] === 0));
    const waiting = ['adversarial', 'cycle', 'styleReconstruction', 'styleDiversification'];
    for (const step of [0, 1])
      expect(zero[step]!.toSorted()).toEqual(waiting.map((name) => `generators/${name}`).toSorted());
    for (const step of [2, 3]) expect(zero[step]).toEqual([]);
  });

  it('does not stop a loss from falling', () => {
    const factors = [0, 1, 2, 3, 4].map(
      (step) => stepScalars(smallContext(changes), step)['losses/styleDiversification'],
    );
    expect(factors).toEqual([0, 0, 0.5, 0.25, 0]);
  });

  it('makes images come back sooner than training with all losses does', async () => {
    const steps = 8;
    const withPhase = { ...changes, training: { batch: 2, initialization: { steps } } };
    const without = { ...changes, training: { batch: 2, learningRate: 0.01 } };
    const last = async (of: PartialConfig) =>
      (await train(of, { steps })).terms.at(-1)!['generators/identity']!;
    expect(await last(withPhase)).toBeLessThan(await last(without));
  });
});
