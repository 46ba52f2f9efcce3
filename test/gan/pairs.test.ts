// Pairs of the warps of one image, and the loss that compares their translations.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyAugmentation, augmentedPlaces, drawAugmentation } from '../../src/augment/augment.js';
import { Rng } from '../../src/base/rng.js';
import type { Config, PartialConfig } from '../../src/config/schema.js';
import { type HostBatch, inputSpecs } from '../../src/gan/batch.js';
import { DOMAINS } from '../../src/gan/domains.js';
import { alignmentInputs, realign } from '../../src/gan/pairs.js';
import { loadEngine } from '../../src/runtime/node.js';
import { drawStep } from '../../src/train/preparation/step-draws.js';
import { sampled } from '../support/bilinear.js';
import { drawnBatch, drawnStepTerms, rowTranslator, smallContext } from '../support/drawn-step.js';
import { halved } from '../support/halved.js';

beforeAll(async () => {
  await loadEngine();
});

const WEIGHT = 3;
const LOSSES = { equivariance: WEIGHT };
const NAME = 'generators/equivariance';

const configOf = (batch: number, losses: PartialConfig['losses'] = LOSSES): Config =>
  smallContext({ training: { batch }, losses }).config;

const draw = ({ data, model }: Config, count: number, seed: number) => {
  const rng = new Rng(seed);
  // All images are warped; one in two is mirrored.
  const augment = { ...data.augment, probability: 1, border: 'edge' as const };
  return Array.from({ length: count }, () => drawAugmentation(augment, model.size, rng));
};

/** The mean magnitude of the differences of an image and another that is moved onto it, where they overlap, halved twice. */
function differenceOf(
  image: Float32Array,
  other: Float32Array,
  { place, overlap }: { place: readonly number[]; overlap: Float32Array },
  size: number,
): number {
  const [a, b, c, d, e, f] = place as [number, number, number, number, number, number];
  const axis = Array.from({ length: size }, (_, i) => i);
  const at = (x: number, y: number, channel: number): number => {
    const pixel = y * size + x;
    if (overlap[pixel] === 0) return 0;
    const position = [a * x + b * y + c, d * x + e * y + f] as const;
    return image[3 * pixel + channel]! - sampled(other, size, position, channel);
  };
  const left = [0, 1, 2].flatMap((channel) =>
    halved(halved(axis.map((y) => axis.map((x) => at(x, y, channel))))).flat(),
  );
  return left.reduce((sum, value) => sum + Math.abs(value), 0) / left.length;
}

describe('where an augmentation shows a pixel', () => {
  it('is where a bright dot turns up', () => {
    const size = 64;
    const config = configOf(2);
    const augmentations = draw({ ...config, model: { ...config.model, size } }, 6, 4);
    expect(new Set(augmentations.map(({ window }) => window.flip)).size).toBe(2);
    const [x, y] = [27, 38];
    const image = new Float32Array(size * size * 3);
    // A dot that is wide enough to be sampled evenly.
    for (let i = 0; i < size * size; i++)
      image.fill(Math.exp(-((Math.floor(i / size) - y) ** 2 + ((i % size) - x) ** 2) / 8), 3 * i, 3 * i + 3);
    for (const augmentation of augmentations) {
      const out = new Float32Array(image.length);
      applyAugmentation(image, size, augmentation, out, 0);
      let [total, sumX, sumY] = [0, 0, 0];
      for (let i = 0; i < size * size; i++) {
        total += out[3 * i]!;
        sumX += out[3 * i]! * (i % size);
        sumY += out[3 * i]! * Math.floor(i / size);
      }
      const [a, b, c, d, e, f] = augmentedPlaces(augmentation, size);
      expect(a * x + b * y + c).toBeCloseTo(sumX / total, 1);
      expect(d * x + e * y + f).toBeCloseTo(sumY / total, 1);
    }
  });
});

describe('alignment of the warps of one image', () => {
  it.each([2, 3, 4])('moves partners onto each other in a batch of %i', (count) => {
    const config = configOf(count);
    const { size } = config.model;
    const length = size * size * 3;
    const smooth = Float32Array.from({ length }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
      return Math.sin(x / 6 + (i % 3)) * Math.cos(y / 8 - (i % 3));
    });
    const augmentations = draw(config, count, 7);
    const same = new Float32Array(count * length);
    for (const [i, augmentation] of augmentations.entries())
      applyAugmentation(smooth, size, augmentation, same, i * length);
    const { places, overlap } = alignmentInputs(config, augmentations);
    const moved = tf.tidy(() =>
      realign(tf.tensor(same, [count, size, size, 3]), tf.tensor(places!, [count, 6])).dataSync<'float32'>(),
    );
    const hasPartner = (row: number): boolean => row < 2 * Math.floor(count / 2);
    for (let row = 0; row < count; row++) {
      const seen = [...overlap!.subarray((row * length) / 3, ((row + 1) * length) / 3).keys()].filter(
        (i) => overlap![(row * length) / 3 + i] === 1,
      );
      if (!hasPartner(row)) {
        expect(seen).toEqual([]);
        continue;
      }
      expect(seen.length).toBeGreaterThan(0.5 * size * size);
      const error = seen.reduce((sum, i) => {
        const at = row * length + 3 * i;
        return sum + Math.abs(moved[at]! - same[at]!);
      }, 0);
      const before = seen.reduce((sum, i) => {
        const [at, other] = [row * length + 3 * i, (row ^ 1) * length + 3 * i];
        return sum + Math.abs(same[other]! - same[at]!);
      }, 0);
      expect(error / seen.length).toBeLessThan(0.02);
      expect(before / seen.length).toBeGreaterThan(0.1);
    }
  });

  it('belongs to the augmentations of the images, and is absent without a loss of it', () => {
    const config = configOf(3);
    const { images, inputs } = drawStep(config, 5);
    for (const domain of DOMAINS) {
      expect(inputs[domain]).toMatchObject(alignmentInputs(config, images[domain].same));
      expect(inputs[domain].places).toHaveLength(18);
    }
    const without = drawStep(configOf(3, {}), 5);
    expect(without.images).toEqual(images);
    expect(without.inputs.A).not.toHaveProperty('places');
    expect(inputSpecs(configOf(3, {}))).not.toHaveProperty('A/overlap');
  });
});

describe('the equivariance loss in a step', () => {
  const COUNT = 3;
  const context = smallContext({ training: { batch: COUNT }, losses: LOSSES });
  const termsOf = (losses: PartialConfig['losses']) => drawnStepTerms({ training: { batch: COUNT }, losses });

  /** Translates image by image with the networks alone, and samples bilinearly on the host. */
  function expectedTerm(batch: HostBatch): number {
    const { size } = context.config.model;
    const translate = rowTranslator(context, batch);
    let sum = 0;
    for (const domain of DOMAINS) {
      const { places, overlap } = batch[domain];
      for (const [row, partner] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const alignment = {
          place: [...places!.subarray(6 * row, 6 * row + 6)],
          overlap: overlap!.subarray(row * size * size, (row + 1) * size * size),
        };
        const [one, other] = [translate(domain, row, row), translate(domain, partner, row)];
        sum += differenceOf(one, other, alignment, size) / COUNT;
      }
    }
    return WEIGHT * sum;
  }

  it('is the mean difference of each translation and that of its partner in the same style, moved onto it', async () => {
    const expected = expectedTerm(drawnBatch(context));
    expect(expected).toBeGreaterThan(1e-3);
    expect((await termsOf(LOSSES))[NAME]! / expected).toBeCloseTo(1, 3);
  });

  it('has no term with weight 0, and changes no other term', async () => {
    const { [NAME]: own, ...others } = await termsOf(LOSSES);
    expect(own).toBeGreaterThan(0);
    expect(await termsOf({})).toEqual(others);
  });
});
