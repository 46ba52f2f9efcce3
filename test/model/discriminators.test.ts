import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { variantNames } from '../../src/config/variants/names.js';
import { batchDeviation } from '../../src/model/batch-deviation.js';
import { buildImageDiscriminator } from '../../src/model/image-discriminator.js';
import { buildLatentDiscriminator } from '../../src/model/latent-discriminator.js';
import { scalarOf, sum } from '../../src/ops/arithmetic.js';
import { Tape } from '../../src/ops/autodiff.js';
import { loadEngine } from '../../src/runtime/node.js';
import { tinyConfig } from '../support/config.js';
import { checkGradients } from '../support/gradients.js';
import { drawnParams } from '../support/networks.js';
import { relativeError } from '../support/reference.js';
import { randomTensor, valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

/** Runs each part of a batch in its own pass. */
const separately = (x: tf.Tensor, groups: number, fn: (part: tf.Tensor) => tf.Tensor): number[] =>
  tf.split(x, groups).flatMap((part) => valuesOf(fn(part)));

describe('batchDeviation', () => {
  const features = (): tf.Tensor => randomTensor(1, [6, 4]);

  it.each([1, 2, 3])('is the biased deviation over each of %i groups, repeated for its rows', (groups) => {
    const data = valuesOf(features());
    const count = 6 / groups;
    const expected = data.map((_, i) => {
      const [group, feature] = [Math.floor(i / 4 / count), i % 4];
      const column = Array.from({ length: count }, (_, n) => data[(group * count + n) * 4 + feature]!);
      const mean = column.reduce((a, b) => a + b) / count;
      return Math.sqrt(column.reduce((total, value) => total + (value - mean) ** 2, 0) / count + 1e-8);
    });
    expect(relativeError(valuesOf(batchDeviation(features(), groups)), expected)).toBeLessThan(1e-6);
  });

  it('has gradients to the second order, as R1 needs them', () => {
    checkGradients((x) => batchDeviation(x!, 2), [features()], 2);
  });

  it('is nearly 0 and has gradient 0 if all rows are equal', () => {
    const x = tf.ones([4, 3]);
    const tape = new Tape([x]);
    const deviation = tape.record(() => batchDeviation(x));
    for (const value of valuesOf(deviation)) expect(value).toBeCloseTo(1e-4, 6);
    const [gradient] = tape.gradients(
      tape.record(() => scalarOf(sum(deviation))),
      [x],
    );
    expect(valuesOf(gradient!).every((value) => value === 0)).toBe(true);
  });
});

describe.each(variantNames)('image discriminator of %s', (variant) => {
  const discriminator = buildImageDiscriminator(tinyConfig({ model: { variant } }).model);
  const images = (): tf.Tensor => randomTensor(1, [6, 32, 32, 3]);

  it.each([2, 3])('gives %i joined batches the same logits as separate passes', (groups) => {
    const params = drawnParams(discriminator.specs);
    const joined = discriminator.apply(params, images(), groups);
    for (const head of ['local', 'global', 'diversity'] as const) {
      const alone = separately(images(), groups, (part) => discriminator.apply(params, part)[head]);
      expect(relativeError(valuesOf(joined[head]), alone), head).toBeLessThan(1e-5);
    }
  });

  it('compares the images of a batch in the diversity head and in no other head', () => {
    const params = drawnParams(discriminator.specs);
    const joined = discriminator.apply(params, images(), 2);
    const asOne = discriminator.apply(params, images());
    expect(relativeError(valuesOf(asOne.diversity), valuesOf(joined.diversity))).toBeGreaterThan(1e-3);
    for (const head of ['local', 'global'] as const)
      expect(relativeError(valuesOf(asOne[head]), valuesOf(joined[head])), head).toBeLessThan(1e-5);
  });

  it('gives the same diversity logit to any batch of one repeated image, and another one to a mixed batch', () => {
    const params = drawnParams(discriminator.specs);
    const repeated = (seed: number): number[] => {
      const image = randomTensor(seed, [1, 32, 32, 3]);
      return valuesOf(discriminator.apply(params, tf.tile(image, [4, 1, 1, 1])).diversity);
    };
    expect(repeated(1)[0]).toBeCloseTo(repeated(2)[0]!, 3);
    expect(new Set(repeated(1)).size).toBe(1);
    const mixed = valuesOf(discriminator.apply(params, images()).diversity)[0]!;
    expect(Math.abs(mixed - repeated(1)[0]!)).toBeGreaterThan(1e-2);
  });
});

describe('discriminator of style codes', () => {
  const { model } = tinyConfig();
  const discriminator = buildLatentDiscriminator(model);
  const styles = (): tf.Tensor => randomTensor(1, [8, model.latentDim]);

  it.each([2, 4])('gives %i joined batches the same logits as separate passes', (groups) => {
    const params = drawnParams(discriminator.specs);
    const joined = valuesOf(discriminator.apply(params, styles(), groups));
    const alone = separately(styles(), groups, (part) => discriminator.apply(params, part));
    expect(relativeError(joined, alone)).toBeLessThan(1e-5);
    expect(relativeError(valuesOf(discriminator.apply(params, styles())), joined)).toBeGreaterThan(1e-4);
  });
});
