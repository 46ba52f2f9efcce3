import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { flattenBatch, type HostBatch, inputSpecs } from '../../src/gan/batch.js';
import { discriminatorGradients, heads } from '../../src/gan/discriminator-step.js';
import { type Both, bothDomains, DOMAINS, OTHER } from '../../src/gan/domains.js';
import { generatorTerms, translateBatch } from '../../src/gan/generator-step.js';
import { anchorInputs } from '../../src/gan/lecam-anchors.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import { stateLayout, stateVectors, unflattenState } from '../../src/gan/state.js';
import { mapScalars, stepScalars } from '../../src/gan/step-scalars.js';
import { loadEngine } from '../../src/runtime/node.js';
import { uploadBatch } from '../../src/train/eager-trainer.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { randomTensor, valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const softplus = (x: number): number => Math.log1p(Math.exp(x));
const number = (tensor: tf.Tensor | undefined): number => valuesOf(tensor!)[0]!;

/** The drawn weights of a config's networks, a batch of noise, and its translations. */
function prepared(training: PartialConfig['training'], change: (batch: HostBatch) => HostBatch = (b) => b) {
  const config = tinyConfig({ model: MIN_LAYERS, training });
  const networks = buildNetworks(config);
  const values = initNetworks(networks, new Rng(1, 'init'));
  const vectors = [...stateVectors(stateLayout(networks, false), { values })];
  const state = unflattenState(
    Object.fromEntries(vectors.map(([name, vector]) => [name, tf.tensor1d(vector)])),
  );
  const discriminatorParams = networks.discriminators.parameters(state.discriminators.values);
  const generatorParams = Object.fromEntries(
    Object.entries(networks.generators.parameters(state.generators.values)).map(([name, params]) => [
      name,
      networks.generator.derive(params),
    ]),
  );
  const batch = uploadBatch(change(noiseBatch(config, 1)), { config, networks });
  const translations = translateBatch(networks, generatorParams, batch);
  const images = bothDomains((domain) => ({
    real: batch[domain].mixed,
    fake: translations[OTHER[domain]].translated,
  }));
  /** Terms and signals of the discriminators, which may see other images. */
  const discriminators = (seen: Both<{ real: tf.Tensor; fake: tf.Tensor }> = images, isR1Step = false) =>
    discriminatorGradients(
      config,
      networks,
      discriminatorParams,
      bothDomains((domain) => ({
        ...seen[domain],
        drawn: batch[domain].drawn,
        encoded: translations[OTHER[domain]].mixedStyles,
        transforms: batch[domain],
        anchors: batch[domain].anchors,
      })),
      isR1Step,
    );
  const scalars = mapScalars(stepScalars({ config }, 0), (value) => tf.scalar(value));
  const generators = () =>
    generatorTerms({ config, networks, generatorParams, discriminatorParams, scalars }, batch, translations);
  /** The logits of each head for the images of a domain, as numbers. */
  const logits = (domain: 'A' | 'B', set: 'real' | 'fake'): number[][] => {
    const params = discriminatorParams[`D_${domain}`]!;
    return heads(networks.imageDiscriminator.apply(params, images[domain][set])).map(valuesOf);
  };
  return { discriminators, generators, logits, images, batch };
}

describe('the relativistic form', () => {
  const training = { adversarialForm: 'relativistic' } as const;

  it('compares each translation with a real image: of the discriminators, softplus of its logit less that of the real one', () => {
    const { discriminators, logits } = prepared(training);
    const expected = total(
      DOMAINS.flatMap((domain) => {
        const [real, fake] = [logits(domain, 'real'), logits(domain, 'fake')];
        return fake.map((head, i) => average(head.map((x, j) => softplus(x - real[i]![j]!))));
      }),
    );
    expect(number(discriminators().terms.images) / expected).toBeCloseTo(1, 5);
  });

  it('of the generators is softplus of the logit of the real image less that of the translation, averaged over the heads', () => {
    const { generators, logits } = prepared(training);
    const expected = total(
      DOMAINS.map((domain) => {
        const [real, fake] = [logits(domain, 'real'), logits(domain, 'fake')];
        return average(fake.map((head, i) => average(head.map((x, j) => softplus(real[i]![j]! - x)))));
      }),
    );
    expect(number(generators().adversarial) / expected).toBeCloseTo(1, 5);
  });

  it('leaves the losses of style codes as they are', () => {
    const [relativistic, logistic] = [prepared(training), prepared({})];
    expect(number(relativistic.discriminators().terms.styles)).toBe(
      number(logistic.discriminators().terms.styles),
    );
    expect(number(relativistic.generators().latentAdversarial)).toBe(
      number(logistic.generators().latentAdversarial),
    );
  });

  it('counts the signs of pairs: a discriminator that sees the same images twice tells none apart', () => {
    const { discriminators, images } = prepared(training);
    const { signals } = discriminators(
      bothDomains((domain) => ({ ...images[domain], fake: images[domain].real })),
    );
    expect(DOMAINS.map((domain) => Math.abs(number(signals[`realSign${domain}`])))).toEqual([0, 0]);
  });
});

describe('R2', () => {
  const training = { r1Weight: 10, r1EverySteps: 4 };

  it('is what R1 would be if the translations were the real images, times its factor', () => {
    const { discriminators, images } = prepared({ ...training, r2Factor: 0.5 });
    const swapped = bothDomains((domain) => ({ real: images[domain].fake, fake: images[domain].real }));
    const [terms, exchanged] = [discriminators(images, true).terms, discriminators(swapped, true).terms];
    for (const domain of DOMAINS) {
      expect(number(terms[`r2${domain}`]) / number(exchanged[`r1${domain}`])).toBeCloseTo(0.5, 5);
      expect(number(exchanged[`r2${domain}`]) / number(terms[`r1${domain}`])).toBeCloseTo(0.5, 5);
      expect(number(terms[`r2${domain}`]) / number(terms[`r1${domain}`])).not.toBeCloseTo(0.5, 2);
    }
    expect(number(terms.r2Styles)).toBeGreaterThan(0);
  });

  it('has terms in the steps of R1 only, and none with factor 0', () => {
    const names = (factor: number, isR1Step: boolean) =>
      Object.keys(prepared({ ...training, r2Factor: factor }).discriminators(undefined, isR1Step).terms);
    expect(names(1, true)).toEqual(['images', 'styles', 'r1A', 'r1B', 'r1Styles', 'r2A', 'r2B', 'r2Styles']);
    expect(names(1, false)).toEqual(['images', 'styles']);
    expect(names(0, true)).toEqual(['images', 'styles', 'r1A', 'r1B', 'r1Styles']);
  });

  it('is rejected by name without R1, whose factor it is', () => {
    expect(() => tinyConfig({ training: { r1Weight: 0, r2Factor: 1 } })).toThrow('training.r2Factor');
  });
});

describe('LeCam regularisation in a step', () => {
  const weight = 0.25;
  const anchors = { A: { real: [1, 2, 3], fake: [-1, -2, -3] }, B: { real: [0.5, 0, 4], fake: [0, 1, 2] } };

  it('is the squared distance of logits to the average of the other set, for each head', () => {
    const training = { lecam: { weight } };
    const config = tinyConfig({ training });
    const inputs = anchorInputs(config, anchors);
    const { discriminators, logits } = prepared(training, (batch) =>
      bothDomains((domain) => ({ ...batch[domain], ...inputs[domain] })),
    );
    const { terms, signals } = discriminators();
    const distance = (values: number[], anchor: number) => average(values.map((x) => (x - anchor) ** 2));
    const expected = total(
      DOMAINS.flatMap((domain) => [
        ...logits(domain, 'real').map((head, i) => distance(head, anchors[domain].fake[i]!)),
        ...logits(domain, 'fake').map((head, i) => distance(head, anchors[domain].real[i]!)),
      ]),
    );
    expect(number(terms.lecam) / (weight * expected)).toBeCloseTo(1, 5);
    expect(number(signals.diversityFakeB)).toBeCloseTo(average(logits('B', 'fake')[2]!), 5);
    expect(number(signals.localRealA)).toBeCloseTo(average(logits('A', 'real')[0]!), 5);
  });

  it('has no term, signals or inputs with weight 0', () => {
    const { terms, signals } = prepared({}).discriminators();
    expect(Object.keys(terms)).toEqual(['images', 'styles']);
    expect(Object.keys(signals)).toEqual(['realSignA', 'realSignB']);
    expect(Object.keys(inputSpecs(tinyConfig())).filter((name) => name.endsWith('anchors'))).toEqual([]);
  });
});

describe('DiffAugment in a step', () => {
  it('has inputs for the kinds of transforms that the config enables, and cutout only on request', () => {
    const inputs = (diffAugment: NonNullable<PartialConfig['training']>['diffAugment']) => {
      const config = tinyConfig({ training: { diffAugment } });
      const specs = inputSpecs(config);
      const lengths = Object.entries(specs).map(([name, { shape }]) => [name, shape.reduce((a, b) => a * b)]);
      const batch = flattenBatch<Float32Array | Int32Array>(noiseBatch(config, 1));
      expect(Object.entries(batch).map(([name, values]) => [name, values.length])).toEqual(lengths);
      return Object.keys(specs).filter((name) => /^A.(tones|shifts|frames|cutouts)/.test(name));
    };
    expect(inputs({ enabled: true })).toEqual(['A/tones', 'A/shifts', 'A/frames']);
    expect(inputs({ enabled: true, colour: false, translation: false, cutout: true })).toEqual(['A/cutouts']);
    expect(inputs({})).toEqual([]);
    expect(() =>
      tinyConfig({ training: { diffAugment: { enabled: true, colour: false, translation: false } } }),
    ).toThrow('training.diffAugment');
  });

  it('draws nothing that the rest of a step draws, and something else in every step', () => {
    const [plain, augmented, next] = [
      noiseBatch(tinyConfig(), 1),
      noiseBatch(tinyConfig({ training: { diffAugment: { enabled: true } } }), 1),
      noiseBatch(tinyConfig({ training: { diffAugment: { enabled: true } } }), 2),
    ];
    for (const domain of DOMAINS) {
      expect(augmented[domain]).toMatchObject(plain[domain]);
      expect(augmented[domain].tones).not.toEqual(next[domain].tones);
    }
    expect(augmented.A.shifts).not.toEqual(augmented.B.shifts);
  });

  it('changes what the discriminators of images see, for their own loss and for that of the generators', () => {
    const [plain, augmented] = [prepared({}), prepared({ diffAugment: { enabled: true, cutout: true } })];
    const values = (of: typeof plain) => {
      const terms = { ...of.discriminators().terms, ...of.generators() };
      return Object.fromEntries(Object.entries(terms).map(([name, term]) => [name, number(term)]));
    };
    const [before, after] = [values(plain), values(augmented)];
    const changed = Object.keys(after).filter((name) => Math.abs(after[name]! / before[name]! - 1) > 1e-6);
    expect(changed).toEqual(['images', 'adversarial']);
  });

  it('sets everything to grey where every row is cut out: the discriminators then see 0', () => {
    const training = { diffAugment: { enabled: true, cutout: true } };
    const { discriminators, images } = prepared(training, (batch) =>
      bothDomains((domain) => ({
        ...batch[domain],
        cutouts: new Float32Array(batch[domain].cutouts!.length).fill(1),
      })),
    );
    const others = bothDomains((domain) => ({
      real: randomTensor(7, images[domain].real.shape),
      fake: randomTensor(8, images[domain].fake.shape),
    }));
    expect(number(discriminators().terms.images)).toBe(number(discriminators(others).terms.images));
  });
});
