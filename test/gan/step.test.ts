import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { flattenBatch, type HostBatch, inputSpecs } from '../../src/gan/batch.js';
import { bothDomains, type Domain } from '../../src/gan/domains.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import { stateLayout, stateVectors, unflattenState } from '../../src/gan/state.js';
import { type StepContext, trainStep } from '../../src/gan/step.js';
import { stepScalars } from '../../src/gan/step-scalars.js';
import type { ParameterGroup } from '../../src/optim/parameter-groups.js';
import { loadEngine } from '../../src/runtime/node.js';
import { EagerTrainer, uploadBatch, uploadScalars } from '../../src/train/eager-trainer.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { collectState } from '../support/state.js';

beforeAll(async () => {
  await loadEngine();
});

const SIDES = ['generators', 'discriminators'] as const;
type Side = (typeof SIDES)[number];

function contextOf(changes: PartialConfig = {}): StepContext {
  const config = tinyConfig(changes);
  return { config, networks: buildNetworks(config) };
}

const initialOf = ({ config, networks }: StepContext) => ({
  values: initNetworks(networks, new Rng(config.training.seed, 'init')),
});

/** One step from the drawn weights: terms of both sides, and gradients by bucket. */
function takeStep(
  context: StepContext,
  options: {
    withR1: boolean;
    frozen?: boolean;
    moved?: (name: string, values: Float32Array) => Float32Array;
    change?: (batch: HostBatch) => HostBatch;
  },
) {
  const { withR1, frozen = false, moved = (_, values) => values, change = (batch) => batch } = options;
  return tf.tidy(() => {
    const vectors = [...stateVectors(stateLayout(context.networks, false), initialOf(context))];
    const state = unflattenState(
      Object.fromEntries(vectors.map(([name, values]) => [name, tf.tensor1d(moved(name, values))])),
    );
    const scalars = stepScalars(context, 0);
    if (frozen) for (const side of SIDES) scalars[`${side}/stepSize`] = 0;
    const batch = uploadBatch(change(noiseBatch(context.config, 1)), context);
    const result = trainStep(context, state, batch, uploadScalars(scalars), withR1);
    const read = (terms: Record<string, tf.Tensor>): Record<string, number> =>
      Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, term.dataSync()[0]!]));
    return {
      terms: { generators: read(result.generatorTerms), discriminators: read(result.discriminatorTerms) },
      gradients: {
        generators: result.gradients.generators.map((bucket) => bucket.dataSync<'float32'>()),
        discriminators: result.gradients.discriminators.map((bucket) => bucket.dataSync<'float32'>()),
      },
    };
  });
}

const total = (terms: Record<string, number>): number => Object.values(terms).reduce((a, b) => a + b, 0);

/** Sets everything but one network's numbers to 0. */
function onlyNetwork(group: ParameterGroup, buckets: Float32Array[], name: string): Float32Array[] {
  const unpacked = group.unpack(buckets);
  for (const [network, tree] of Object.entries(unpacked))
    if (network !== name) for (const values of Object.values(tree)) values.fill(0);
  return group.pack(unpacked);
}

describe.each([
  { name: 'main', variant: 'main', training: {} },
  { name: 'train', variant: 'train', training: {} },
  {
    name: 'main with adaptive augmentation',
    variant: 'main',
    training: { adaptiveAugment: { enabled: true, initial: 0.8 } },
  },
  {
    name: 'main with DiffAugment, R2, the relativistic loss and LeCam regularisation',
    variant: 'main',
    training: {
      adversarialForm: 'relativistic',
      r2Factor: 1,
      lecam: { weight: 0.5 },
      diffAugment: { enabled: true, cutout: true },
    },
  },
] as const)('a training step of $name', ({ variant, training }) => {
  const context = contextOf({ model: { variant, numDown: 2 }, training });

  it.each([
    ['generators', 'G_A2B'],
    ['generators', 'G_B2A'],
    ['discriminators', 'D_A'],
    ['discriminators', 'D_B'],
    ['discriminators', 'D_L'],
  ] as [Side, string][])('%s: the gradient of %s is that of the sum of the loss terms', (side, network) => {
    // Step size 0 keeps the discriminators fixed while the generators move. R1 is off, because that penalty jumps when a
    // leaky ReLU changes its side.
    const options = { withR1: false, frozen: true };
    const { gradients } = takeStep(context, options);
    const group = context.networks[side];
    const gradient = onlyNetwork(group, gradients[side], network);
    const length = Math.hypot(...gradient.map((bucket) => Math.hypot(...bucket)));
    expect(length).toBeGreaterThan(0);
    // Along the gradient the loss changes by the gradient's length.
    const step = side === 'generators' ? 1e-4 : 3e-4;
    const lossAt = (sign: number): number => {
      const moved = (name: string, values: Float32Array): Float32Array => {
        const bucket = new RegExp(`^${side}/values/(\\d+)$`).exec(name)?.[1];
        if (bucket === undefined) return values;
        return values.map((value, i) => value + (sign * step * gradient[Number(bucket)]![i]!) / length);
      };
      return total(takeStep(context, { ...options, moved }).terms[side]);
    };
    const slope = (lossAt(1) - lossAt(-1)) / (2 * step);
    expect(Math.abs(slope / length - 1), `slope ${slope}, gradient ${length}`).toBeLessThan(0.03);
  });

  it('leaves no tensors behind but the new state, with and without R1', async () => {
    const trainer = new EagerTrainer(context, initialOf(context));
    const batch = noiseBatch(context.config, 1);
    await trainer.step(batch, 0);
    await trainer.step(batch, 1);
    const before = tf.memory().numTensors;
    for (const index of [2, 16, 17]) {
      const terms = await trainer.step(batch, index);
      expect('discriminators/r1A' in terms, `R1 in step ${index}`).toBe(index === 16);
      expect(tf.memory().numTensors, `after step ${index}`).toBe(before);
    }
    trainer.dispose();
    expect(tf.memory().numTensors).toBeLessThan(before);
  });
});

describe('loss terms', () => {
  const everything: PartialConfig['losses'] = { identity: 3 };
  const generatorTerms = (losses: PartialConfig['losses']) =>
    takeStep(contextOf({ model: MIN_LAYERS, losses: { ...everything, ...losses } }), { withR1: false }).terms
      .generators;
  let cached: Record<string, number> | undefined;
  const all = () => {
    cached ??= generatorTerms({});
    return cached;
  };

  it('the generators have a term for every loss with a weight', () => {
    expect(Object.keys(all()).sort()).toEqual([
      'adversarial',
      'cycle',
      'identity',
      'latentAdversarial',
      'styleConsistency',
      'styleReconstruction',
    ]);
  });

  it.each<[string, PartialConfig['losses']]>([
    ['adversarial', { adversarial: 0 }],
    ['latentAdversarial', { latentAdversarial: 0 }],
    ['styleConsistency', { styleConsistency: { weight: 0 } }],
    ['cycle', { cycle: { weight: 0 } }],
    ['styleReconstruction', { styleReconstruction: 0 }],
    ['identity', { identity: 0 }],
  ])('weight 0 removes the term %s and changes no other term', (name, losses) => {
    const { [name]: removed, ...kept } = all();
    expect(removed).toBeGreaterThan(0);
    const terms = generatorTerms(losses);
    expect(Object.keys(terms)).toEqual(Object.keys(kept));
    for (const [term, value] of Object.entries(kept)) expect(terms[term]! / value).toBeCloseTo(1, 5);
  });

  it.each<[string, PartialConfig['losses'], number]>([
    ['adversarial', { adversarial: 3 }, 3],
    ['cycle', { cycle: { weight: 60 } }, 3],
    ['identity', { identity: 6 }, 2],
  ])('the term %s is proportional to its weight', (name, losses, factor) => {
    expect(generatorTerms(losses)[name]! / all()[name]!).toBeCloseTo(factor, 4);
  });

  it('the R1 terms are proportional to the weight and to the steps between two penalties', () => {
    const r1 = (training: PartialConfig['training']): number =>
      takeStep(contextOf({ model: MIN_LAYERS, training }), { withR1: true }).terms.discriminators.r1A!;
    const reference = r1({ r1Weight: 10, r1EverySteps: 16 });
    expect(reference).toBeGreaterThan(0);
    expect(r1({ r1Weight: 30, r1EverySteps: 16 }) / reference).toBeCloseTo(3, 4);
    expect(r1({ r1Weight: 10, r1EverySteps: 4 }) / reference).toBeCloseTo(0.25, 4);
  });

  it('R1 adds terms and does not change the other terms', () => {
    const context = contextOf({ model: MIN_LAYERS });
    const without = takeStep(context, { withR1: false }).terms.discriminators;
    const { images, styles, ...penalties } = takeStep(context, { withR1: true }).terms.discriminators;
    expect(Object.keys(without).sort()).toEqual(['images', 'styles']);
    expect(images! / without.images!).toBeCloseTo(1, 5);
    expect(styles! / without.styles!).toBeCloseTo(1, 5);
    expect(Object.keys(penalties).sort()).toEqual(['r1A', 'r1B', 'r1Styles']);
  });

  it('R1 with weight 0 adds no terms', () => {
    const context = contextOf({ model: MIN_LAYERS, training: { r1Weight: 0 } });
    const { discriminators } = takeStep(context, { withR1: true }).terms;
    expect(Object.keys(discriminators).sort()).toEqual(['images', 'styles']);
  });
});

describe('adaptive augmentation in a step', () => {
  const model = MIN_LAYERS;
  const enabled = { enabled: true, initial: 0.8 };
  const termsWith = (
    adaptiveAugment: NonNullable<PartialConfig['training']>['adaptiveAugment'],
    change: (batch: HostBatch) => HostBatch = (batch) => batch,
  ) => takeStep(contextOf({ model, training: { adaptiveAugment } }), { withR1: true, change }).terms;

  it('changes nothing at probability 0', () => {
    const { generators, discriminators } = termsWith({ enabled: true });
    const plain = termsWith({});
    for (const [name, value] of Object.entries(plain.generators))
      expect(generators[name]! / value, name).toBeCloseTo(1, 5);
    for (const [name, value] of Object.entries(plain.discriminators))
      expect(discriminators[name]! / value, name).toBeCloseTo(1, 4);
  });

  it('changes the terms of the image discriminators and no other term', () => {
    const { generators, discriminators } = termsWith(enabled);
    const plain = termsWith({});
    const changed = (terms: Record<string, number>, before: Record<string, number>): string[] =>
      Object.keys(terms).filter((name) => Math.abs(terms[name]! / before[name]! - 1) > 1e-5);
    expect(changed(generators, plain.generators)).toEqual(['adversarial']);
    expect(changed(discriminators, plain.discriminators)).toEqual(['images', 'r1A', 'r1B']);
  });

  it('has its own transforms for every set of images', () => {
    const { batch } = contextOf({}).config.training;
    const blackOut = (domain: Domain, set: number) => (hostBatch: HostBatch) => {
      const colours = Float32Array.from(hostBatch[domain].colours!);
      colours.fill(0, set * batch * 12, (set + 1) * batch * 12);
      return { ...hostBatch, [domain]: { ...hostBatch[domain], colours } };
    };
    const plain = termsWith(enabled);
    const sets: [Domain, number][] = [
      ['A', 0],
      ['A', 1],
      ['B', 0],
      ['B', 1],
      ['A', 2],
      ['B', 2],
    ];
    const touched = sets.map(([domain, set]) => {
      const terms = termsWith(enabled, blackOut(domain, set));
      return (['discriminators', 'generators'] as const).flatMap((side) =>
        Object.keys(plain[side]).filter(
          (name) => Math.abs(terms[side][name]! / plain[side][name]! - 1) > 1e-5,
        ),
      );
    });
    // Every set changes the adversarial term too: the generators' loss uses the updated discriminators.
    expect(touched).toEqual([
      ['images', 'r1A', 'adversarial'],
      ['images', 'adversarial'],
      ['images', 'r1B', 'adversarial'],
      ['images', 'adversarial'],
      ['adversarial'],
      ['adversarial'],
    ]);
  });

  it('follows the images that R1 differentiates: blacked-out images have no penalty', () => {
    const { r1A, r1B, r1Styles } = termsWith(enabled, (batch) =>
      bothDomains((domain) => ({
        ...batch[domain],
        colours: new Float32Array(batch[domain].colours!.length),
      })),
    ).discriminators;
    expect([r1A, r1B]).toEqual([0, 0]);
    expect(r1Styles).toBeGreaterThan(0);
  });

  it('needs one input of each domain for each kind of transform that the config enables', () => {
    const inputs = (kinds: Record<string, boolean>) => {
      const { config } = contextOf({ training: { adaptiveAugment: { ...enabled, ...kinds } } });
      const specs = inputSpecs(config);
      const lengths = Object.entries(specs).map(([name, { shape }]) => [name, shape.reduce((a, b) => a * b)]);
      const batch = flattenBatch<Float32Array | Int32Array>(noiseBatch(config, 1));
      expect(Object.entries(batch).map(([name, values]) => [name, values.length])).toEqual(lengths);
      return Object.keys(specs).filter((name) => /warps|colours/.test(name));
    };
    expect(inputs({})).toEqual(['A/warps', 'B/warps', 'A/colours', 'B/colours']);
    expect(inputs({ colour: false, blit: false })).toEqual(['A/warps', 'B/warps']);
    expect(inputs({ geometry: false, blit: false })).toEqual(['A/colours', 'B/colours']);
    expect(inputs({ enabled: false })).toEqual([]);
  });
});

describe('the training state', () => {
  const trained = async (changes: PartialConfig, steps: number) => {
    const context = contextOf({ model: MIN_LAYERS, ...changes });
    const trainer = new EagerTrainer(context, initialOf(context));
    for (let step = 0; step < steps; step++) await trainer.step(noiseBatch(context.config, step), step);
    const state = collectState(trainer.read());
    trainer.dispose();
    return { context, state };
  };
  const weightOf = (values: Record<string, Record<string, Float32Array>>): number[] => [
    ...values.G_A2B!['conv1.conv.weight']!,
  ];

  it('has first moments only if the first beta is above 0', async () => {
    expect((await trained({ training: { betas: [0, 0.99] } }, 1)).state.first).toEqual({});
    const { first, values } = (await trained({ training: { betas: [0.5, 0.99] } }, 1)).state;
    expect(Object.keys(first).sort()).toEqual(Object.keys(values).sort());
  });

  it('holds the exponential moving average of the generators', async () => {
    const { context, state } = await trained({ training: { emaDecay: 0.9 } }, 1);
    const [start, now, average] = [initialOf(context).values, state.values, state.ema].map(weightOf);
    average!.forEach((value, i) => {
      expect(value).toBeCloseTo(0.9 * start![i]! + 0.1 * now![i]!, 5);
    });
    expect(now).not.toEqual(start);
  });

  it('continues from a saved state as if nothing had interrupted it', async () => {
    const changes: PartialConfig = { training: { betas: [0.5, 0.99], r1EverySteps: 2 } };
    const { context, state } = await trained(changes, 2);
    const resumed = new EagerTrainer(context, state);
    for (const step of [2, 3]) await resumed.step(noiseBatch(context.config, step), step);
    expect(collectState(resumed.read())).toEqual((await trained(changes, 4)).state);
    resumed.dispose();
  });
});
