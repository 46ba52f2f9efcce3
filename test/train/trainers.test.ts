import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import type { Config } from '../../src/config/schema.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import type { NetworkValues } from '../../src/model/parameters.js';
import { loadEngine } from '../../src/runtime/node.js';
import { CapturedTrainer } from '../../src/train/captured-trainer.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import type { TermValues, Trainer } from '../../src/train/trainer.js';
import { EagerTranslator } from '../../src/translate/eager-translator.js';
import type { Translator } from '../../src/translate/translator.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { relativeError } from '../support/reference.js';
import { collectState } from '../support/state.js';

beforeAll(async () => {
  await loadEngine();
});

const STEPS = 4;
const config = tinyConfig({
  model: MIN_LAYERS,
  training: { batch: 2, betas: [0.5, 0.99], r1EverySteps: 2, emaDecay: 0.9 },
  losses: { identity: 1 },
});
const { adaptiveAugment, diffAugment, lecam } = config.training;
const TRANSFORMED = { adaptiveAugment: { ...adaptiveAugment, enabled: true, initial: 0.7 } };
/** What newer recipes add to the discriminators. */
const NEWER: Partial<Config['training']> = {
  adversarialForm: 'relativistic',
  r2Factor: 1,
  lecam: { ...lecam, weight: 0.5 },
  diffAugment: { ...diffAugment, enabled: true, cutout: true },
};

/** Images there and back by a translator, with styles of images. */
function translateNoise(translator: Translator): Float32Array {
  const { A, B } = noiseBatch(config, 100);
  const there = translator.translate('A2B', A.same, translator.styleOf('A2B', B.same));
  return translator.translate('B2A', there, translator.styleOf('B2A', A.same));
}

function rejectionOf(translator: Translator): string {
  try {
    translateNoise(translator);
  } catch (error) {
    return messageOf(error);
  }
  return 'none';
}

function translationBy(values: NetworkValues): Float32Array {
  const translator = EagerTranslator.fromValues(config.model, values);
  try {
    return translateNoise(translator);
  } finally {
    translator.dispose();
  }
}

/** What a trainer tells and holds after some steps on noise. */
async function train(
  Kind: new (...args: ConstructorParameters<typeof EagerTrainer>) => Trainer,
  runtime: Partial<Config['runtime']> = {},
  training: Partial<Config['training']> = {},
) {
  const settings = {
    ...config,
    training: { ...config.training, ...training },
    runtime: { ...config.runtime, ...runtime },
  };
  const networks = buildNetworks(settings);
  const values = initNetworks(networks, new Rng(1, 'init'));
  const trainer = new Kind({ config: settings, networks }, { values });
  const terms: TermValues[] = [];
  let before = 0;
  for (let step = 0; step < STEPS; step++) {
    terms.push(await trainer.step(noiseBatch(settings, step), step));
    // The first step with R1 and the first without make what is made once.
    if (step < 2) before = tf.memory().numTensors;
  }
  const left = tf.memory().numTensors - before;
  const state = collectState(trainer.read());
  const averages = trainer.translator('ema');
  const byAverages = translateNoise(averages);
  const weights = trainer.translator('raw');
  const rejections = [rejectionOf(averages)];
  const translated = { ema: byAverages, raw: translateNoise(weights) };
  await trainer.step(noiseBatch(settings, STEPS), STEPS);
  rejections.push(rejectionOf(weights));
  const next = trainer.translator('ema');
  trainer.dispose();
  rejections.push(rejectionOf(next));
  const expected = { ema: translationBy(state.ema), raw: translationBy(state.values) };
  return { terms, state, left, translated, expected, rejections };
}

/** Largest and mean difference of two sets of networks, over all numbers. */
function differences(ours: NetworkValues, theirs: NetworkValues) {
  let largest = 0;
  let sum = 0;
  let count = 0;
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  for (const [network, tree] of Object.entries(theirs))
    for (const [path, values] of Object.entries(tree))
      values.forEach((value, i) => {
        const difference = Math.abs(value - ours[network]![path]![i]!);
        largest = Math.max(largest, difference);
        sum += difference;
        count++;
      });
  return { largest, mean: sum / count };
}

let plain: Awaited<ReturnType<typeof train>>;
beforeAll(async () => {
  plain = await train(EagerTrainer);
});

describe.each([
  { name: 'captured', Kind: CapturedTrainer, runtime: {} },
  {
    name: 'captured, activations recomputed',
    Kind: CapturedTrainer,
    runtime: { recomputeActivations: true },
  },
  {
    name: 'kernel by kernel, activations recomputed',
    Kind: EagerTrainer,
    runtime: { recomputeActivations: true },
  },
  { name: 'captured, gradients accumulated', Kind: CapturedTrainer, runtime: { microBatch: 1 } },
  { name: 'captured, transformed', Kind: CapturedTrainer, runtime: {}, training: TRANSFORMED },
  { name: 'captured, with a newer recipe', Kind: CapturedTrainer, runtime: {}, training: NEWER },
])('a run $name and one kernel by kernel', ({ Kind, runtime, training }) => {
  let eager: Awaited<ReturnType<typeof train>>;
  let other: Awaited<ReturnType<typeof train>>;
  beforeAll(async () => {
    eager = training === undefined ? plain : await train(EagerTrainer, {}, training);
    other = await train(Kind, runtime, training);
  });

  it('have the same terms in the same order, with and without R1', () => {
    expect(other.terms.map(Object.keys)).toEqual(eager.terms.map(Object.keys));
    expect(eager.terms.map((terms) => 'discriminators/r1A' in terms)).toEqual([true, false, true, false]);
    eager.terms.forEach((terms, step) => {
      for (const [name, value] of Object.entries(terms)) {
        expect(value, name).not.toBe(0);
        const ratio = other.terms[step]![name]! / value;
        expect(Math.abs(ratio - 1), `${name} in step ${step}`).toBeLessThan(1e-3);
      }
    });
  });

  it('reach the same weights, moments and EMA weights', () => {
    // For a gradient near 0, Adam's step has its full size, and rounding decides its sign.
    const step = config.training.learningRate;
    for (const part of ['values', 'ema'] as const) {
      const { largest, mean } = differences(other.state[part], eager.state[part]);
      expect(largest, part).toBeLessThan(2 * step * STEPS);
      expect(mean, part).toBeLessThan(step / 100);
    }
    for (const part of ['first', 'second'] as const) {
      const { largest } = differences(other.state[part], eager.state[part]);
      expect(largest, part).toBeLessThan(1e-3 * largestOf(eager.state[part]));
    }
  });

  it('change the weights, and leave no tensor behind', () => {
    const start = initNetworks(buildNetworks(config), new Rng(1, 'init'));
    for (const { state, left } of [eager, other]) {
      expect(differences(state.values, start).mean).toBeGreaterThan(config.training.learningRate / 10);
      expect(left).toBe(0);
    }
  });

  it('translate with EMA or raw weights, until the other weights, the next step or the end disposes the translator', () => {
    for (const { translated, expected, rejections } of [eager, other]) {
      for (const weights of ['ema', 'raw'] as const)
        expect(relativeError(translated[weights], expected[weights]), weights).toBeLessThan(1e-4);
      expect(relativeError(translated.raw, expected.ema)).toBeGreaterThan(1e-2);
      expect(rejections.length).toBe(3);
      for (const message of rejections) expect(message).toMatch(/^this translator was disposed/);
    }
  });
});

function largestOf(values: NetworkValues): number {
  let largest = 0;
  for (const tree of Object.values(values))
    for (const numbers of Object.values(tree))
      for (const value of numbers) largest = Math.max(largest, Math.abs(value));
  return largest;
}

describe.each([
  { name: 'captured', Kind: CapturedTrainer },
  { name: 'kernel by kernel', Kind: EagerTrainer },
])('a run $name', ({ Kind }) => {
  it('leaves frozen parameters unchanged, and trains the others at their own rates', async () => {
    const lrMultipliers = { 'G_*/encoder.*': 0, 'D_A/*': 0, 'G_A2B/conv1.*': 0.5 };
    const settings = { ...config, training: { ...config.training, lrMultipliers } };
    const networks = buildNetworks(settings);
    const values = initNetworks(networks, new Rng(1, 'init'));
    const trainer = new Kind({ config: settings, networks }, { values });
    const step = () => trainer.step(noiseBatch(config, 1), 1);
    await step();
    const before = tf.memory().numTensors;
    await step();
    expect(tf.memory().numTensors).toBe(before);
    const trained = collectState(trainer.read()).values;
    trainer.dispose();
    for (const [network, tree] of Object.entries(values))
      for (const [path, start] of Object.entries(tree)) {
        const isFrozen = network === 'D_A' || path.startsWith('encoder.');
        const moved = trained[network]![path]!.some((value, i) => value !== start[i]);
        expect(`${network}/${path} moved: ${moved}`).toBe(`${network}/${path} moved: ${!isFrozen}`);
      }
    // Adam's first steps are as large as the learning rate, whatever the gradient.
    const stride = (network: string): number => {
      const path = 'conv1.activate.bias';
      return Math.max(
        ...trained[network]![path]!.map((value, i) => Math.abs(value - values[network]![path]![i]!)),
      );
    };
    expect(stride('G_A2B') / stride('G_B2A')).toBeCloseTo(0.5, 1);
  });
});

it('a captured run without log.sampleRaw translates with EMA weights only', () => {
  const settings = { ...config, log: { ...config.log, sampleRaw: false } };
  const networks = buildNetworks(settings);
  const values = initNetworks(networks, new Rng(1, 'init'));
  const trainer = new CapturedTrainer({ config: settings, networks }, { values });
  expect(() => trainer.translator('raw')).toThrow(/log\.sampleRaw=false/);
  expect(translateNoise(trainer.translator('ema')).length).toBeGreaterThan(0);
  trainer.dispose();
});
