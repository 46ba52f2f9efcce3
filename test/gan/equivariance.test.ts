// The equivariance loss in a step.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { warpSmoothly } from '../../src/augment/smooth-warp.js';
import { Rng } from '../../src/base/rng.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { type HostBatch, inputSpecs } from '../../src/gan/batch.js';
import { bothDomains, DOMAINS, GENERATOR_FROM } from '../../src/gan/domains.js';
import { drawEquivarianceWarps } from '../../src/gan/equivariance-warps.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import type { StepContext } from '../../src/gan/step.js';
import { loadEngine } from '../../src/runtime/node.js';
import { EagerTrainer } from '../../src/train/eager-trainer.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { halved } from '../support/halved.js';

beforeAll(async () => {
  await loadEngine();
});

const WEIGHT = 3;
const COUNT = 2;
const LOSSES = { equivariance: WEIGHT };
const NAME = 'generators/equivariance';

const contextOf = (losses: PartialConfig['losses']): StepContext => {
  const config = tinyConfig({ training: { batch: COUNT }, losses, model: MIN_LAYERS });
  return { config, networks: buildNetworks(config) };
};
const context = contextOf(LOSSES);
const { size, latentDim } = context.config.model;
const LENGTH = size * size * 3;

const initialOf = ({ config, networks }: StepContext) => ({
  values: initNetworks(networks, new Rng(config.training.seed, 'init')),
});

/** A batch whose translations are in the drawn styles. */
const drawnBatch = (): HostBatch => {
  const batch = noiseBatch(context.config, 1);
  const pick = Int32Array.from({ length: COUNT }, (_, i) => i);
  return bothDomains((domain) => ({ ...batch[domain], pick }));
};

const termsOf = async (losses: PartialConfig['losses'], steps = 1) => {
  const changed = contextOf(losses);
  const trainer = new EagerTrainer(changed, initialOf(changed));
  const terms = [];
  for (let step = 0; step < steps; step++) terms.push(await trainer.step(drawnBatch(), 0));
  trainer.dispose();
  return terms;
};

/** Translates each image and each warped image on its own, with the networks alone. */
function expectedTerm(batch: HostBatch): number {
  const { generator, generators } = context.networks;
  const stored = generators.parameters(
    generators.pack(initialOf(context).values).map((bucket) => tf.tensor1d(bucket)),
  );
  const plane = (values: Float32Array, channel: number): number[][] =>
    Array.from({ length: size }, (_, y) =>
      Array.from({ length: size }, (_, x) => values[(y * size + x) * 3 + channel]!),
    );
  let sum = 0;
  for (const domain of DOMAINS) {
    const { same, drawn, smoothWarps, bends } = batch[domain];
    const params = generator.derive(stored[GENERATOR_FROM[domain]]!);
    const bendLength = bends!.length / COUNT;
    for (let row = 0; row < COUNT; row++) {
      const warps = {
        smoothWarps: tf.tensor(smoothWarps!.slice(6 * row, 6 * row + 6), [1, 6]),
        bends: tf.tensor(bends!.slice(bendLength * row, bendLength * (row + 1)), [
          1,
          ...inputSpecs(context.config)[`${domain}/bends`]!.shape.slice(1),
        ]),
      };
      const image = tf.tensor(same.slice(LENGTH * row, LENGTH * (row + 1)), [1, size, size, 3]);
      const style = tf.tensor(drawn.slice(latentDim * row, latentDim * (row + 1)), [1, latentDim]);
      const translate = (x: tf.Tensor) =>
        generator.decode(params, generator.encode(params, x).content, style);
      const first = warpSmoothly(translate(image), warps).dataSync<'float32'>();
      const second = translate(warpSmoothly(image, warps)).dataSync<'float32'>();
      const difference = first.map((value, i) => value - second[i]!);
      const left = [0, 1, 2].flatMap((channel) => halved(halved(plane(difference, channel))).flat());
      sum += left.reduce((total, value) => total + Math.abs(value), 0) / left.length / COUNT;
    }
  }
  return WEIGHT * sum;
}

describe('the equivariance loss in a step', () => {
  it('is the mean difference of warped translations and translations of warped images, in one style each', async () => {
    const expected = tf.tidy(() => expectedTerm(drawnBatch()));
    expect(expected).toBeGreaterThan(1e-2);
    expect((await termsOf(LOSSES))[0]![NAME]! / expected).toBeCloseTo(1, 3);
  });

  it('has no term with weight 0, and changes no other term', async () => {
    const [[terms], without] = [await termsOf(LOSSES), await termsOf({})];
    const { [NAME]: own, ...others } = terms!;
    expect(own).toBeGreaterThan(0);
    expect(without).toEqual([others]);
  });

  it('falls when it is all that the decoders learn from', async () => {
    const alone = {
      ...LOSSES,
      adversarial: 0,
      cycle: { weight: 0 },
      styleReconstruction: 0,
      latentAdversarial: 0,
      styleConsistency: { weight: 0 },
    };
    const values = (await termsOf(alone, 4)).map((terms) => terms[NAME]!);
    expect(values.toSorted((a, b) => b - a)).toEqual(values);
  });
});

describe('the warps of a step', () => {
  it('depend on seed, step and rank, and are absent without the loss', () => {
    const { config } = context;
    const drawn = drawEquivarianceWarps(config, 4);
    expect(drawEquivarianceWarps(config, 4)).toEqual(drawn);
    expect(drawn.A.bends).not.toEqual(drawn.B.bends);
    for (const other of [drawEquivarianceWarps(config, 5), drawEquivarianceWarps(config, 4, 1)])
      expect(other.A.smoothWarps).not.toEqual(drawn.A.smoothWarps);
    expect(drawEquivarianceWarps(contextOf({}).config, 4)).toEqual({ A: {}, B: {} });
    expect(inputSpecs(contextOf({}).config)).not.toHaveProperty('A/bends');
  });
});
