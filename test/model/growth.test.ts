import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import type { PartialConfig } from '../../src/config/schema.js';
import { growState } from '../../src/gan/growth.js';
import { buildNetworks, initNetworks, type Networks } from '../../src/gan/networks.js';
import { checkGrows } from '../../src/model/growth.js';
import { networkSpecs } from '../../src/model/networks.js';
import type { NetworkValues, Params } from '../../src/model/parameters.js';
import { upsample } from '../../src/ops/resample.js';
import { loadEngine } from '../../src/runtime/node.js';
import { tinyConfig } from '../support/config.js';
import { relativeError } from '../support/reference.js';
import { randomTensor, valuesOf } from '../support/tensors.js';

/** [-0.5, 0.5, 4, 4, 0.5, -0.5] / 8 in both directions, at every second pixel; outside the image is zero. */
function shrunk(images: tf.Tensor): tf.Tensor {
  const [n, height, width, channels] = images.shape as [number, number, number, number];
  const taps = [-0.5, 0.5, 4, 4, 0.5, -0.5].map((tap) => tap / 8);
  const data = images.dataSync<'float32'>();
  const at = (image: number, y: number, x: number, c: number): number =>
    y < 0 || x < 0 || y >= height || x >= width
      ? 0
      : data[((image * height + y) * width + x) * channels + c]!;
  const values: number[] = [];
  for (let image = 0; image < n; image++)
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2)
        for (let c = 0; c < channels; c++)
          values.push(
            taps.reduce(
              (sum, down, i) =>
                sum + taps.reduce((row, tap, j) => row + down * tap * at(image, y + i - 2, x + j - 2, c), 0),
              0,
            ),
          );
  return tf.tensor4d(values, [n, height / 2, width / 2, channels]);
}

/** Weights as after training: none is zero, not even a bias. */
function trained(networks: Networks, seed: number): NetworkValues {
  const values = initNetworks(networks, new Rng(seed, 'trained'));
  const rng = new Rng(seed, 'biases');
  for (const tree of Object.values(values))
    for (const [path, data] of Object.entries(tree))
      if (path.endsWith('bias')) tree[path] = data.map((value) => value + rng.normal(0, 0.2));
  return values;
}

const paramsOf = (networks: Networks, values: NetworkValues): Record<string, Params> => {
  const both = [networks.generators, networks.discriminators].map((group) =>
    group.parameters(group.pack(values).map((flat) => tf.tensor1d(flat))),
  );
  return { ...both[0], ...both[1] };
};

const worst = (ours: tf.Tensor, theirs: tf.Tensor): number =>
  Math.max(...valuesOf(tf.sub(ours, theirs)).map(Math.abs));

const small: PartialConfig['model'] = { channels: { 64: 512 } };
const large = (model: PartialConfig['model'] = {}) => ({ ...small, size: 64, numDown: 3, ...model });

beforeAll(async () => {
  await loadEngine();
});

describe.each(['main', 'train'] as const)(
  'networks of variant %s that have grown from 32 to 64 px',
  (variant) => {
    const before = buildNetworks(tinyConfig({ model: { ...small, variant } }));
    const after = buildNetworks(tinyConfig({ model: large({ variant }) }));
    const from = tinyConfig({ model: { ...small, variant } }).model;
    let old: Record<string, Params>;
    let grown: Record<string, Params>;
    let state: { old: NetworkValues; grown: NetworkValues };
    beforeEach(() => {
      tf.engine().startScope();
      const values = trained(before, 1);
      const { values: grownValues } = growState({ values }, after, from, new Rng(2, 'init'));
      state = { old: values, grown: grownValues };
      old = paramsOf(before, values);
      grown = paramsOf(after, grownValues);
    });
    afterEach(() => tf.engine().endScope());

    it('decode any content and style to the old image, upsampled by the network itself', () => {
      const { generator } = before;
      const images = randomTensor(1, [2, 32, 32, 3], 0, 0.5);
      const style = randomTensor(2, [2, from.latentDim]);
      const { content } = generator.encode(old.G_A2B!, images);
      const expected = upsample(generator.decode(old.G_A2B!, content, style));
      const decoded = after.generator.decode(grown.G_A2B!, content, style);
      expect(decoded.shape).toEqual([2, 64, 64, 3]);
      expect(worst(decoded, expected)).toBeLessThan(1e-6 * Math.max(...valuesOf(expected).map(Math.abs)));
    });

    it('encode an image to the old codes of the image made smaller, also far outside [-1, 1]', () => {
      const images = randomTensor(3, [2, 64, 64, 3], 0, 2);
      const ours = after.generator.encode(grown.G_B2A!, images);
      const theirs = before.generator.encode(old.G_B2A!, shrunk(images));
      expect(ours.content.shape).toEqual(theirs.content.shape);
      expect(relativeError(valuesOf(ours.content), valuesOf(theirs.content))).toBeLessThan(1e-5);
      expect(relativeError(valuesOf(ours.style), valuesOf(theirs.style))).toBeLessThan(1e-5);
    });

    it('encode a smooth image to nearly the codes that the old networks give its small copy, averaged 2x2', () => {
      const wave = (px: number): tf.Tensor => {
        const side = Array.from({ length: px }, (_, i) => ((i + 0.5) * 32) / px);
        const value = (y: number, x: number, c: number) =>
          0.6 * Math.sin(0.5 * y + 0.3 * c) * Math.cos(0.4 * x - c);
        return tf.tensor4d(
          side.flatMap((y) => side.flatMap((x) => [0, 1, 2].map((c) => value(y, x, c)))),
          [1, px, px, 3],
        );
      };
      const images = wave(64);
      const copies = tf.avgPool(images as tf.Tensor4D, 2, 2, 'valid');
      const ours = after.generator.encode(grown.G_A2B!, images);
      const theirs = before.generator.encode(old.G_A2B!, copies);
      expect(relativeError(valuesOf(ours.content), valuesOf(theirs.content))).toBeLessThan(0.05);
      expect(relativeError(valuesOf(ours.style), valuesOf(theirs.style))).toBeLessThan(0.05);
    });

    it('have discriminators with the old logits of the image made smaller, in all heads', () => {
      const images = randomTensor(4, [3, 64, 64, 3], 0, 0.5);
      const ours = after.imageDiscriminator.apply(grown.D_A!, images);
      const theirs = before.imageDiscriminator.apply(old.D_A!, shrunk(images));
      for (const head of ['local', 'global', 'diversity'] as const)
        expect(relativeError(valuesOf(ours[head]), valuesOf(theirs[head])), head).toBeLessThan(1e-5);
      const styles = randomTensor(5, [3, from.latentDim]);
      expect(valuesOf(after.latentDiscriminator.apply(grown.D_L!, styles))).toEqual(
        valuesOf(before.latentDiscriminator.apply(old.D_L!, styles)),
      );
    });

    it('keep every old weight but that of the layers from RGB, and have no other weights than the new networks need', () => {
      const specs = networkSpecs(tinyConfig({ model: large({ variant }) }).model);
      for (const [network, tree] of Object.entries(specs)) {
        expect(Object.keys(state.grown[network]!).sort()).toEqual(Object.keys(tree).sort());
        const kept = new Set(Object.values(state.grown[network]!));
        const lost = Object.entries(state.old[network]!).flatMap(([path, data]) =>
          kept.has(data) ? [] : [path],
        );
        const fromRgb = { G: ['encoder.stem'], D: network === 'D_L' ? [] : ['l_branch', 'g_branch'] };
        const expected = fromRgb[network[0] as 'G' | 'D'].flatMap((chain) => [
          `${chain}.0.0.weight`,
          `${chain}.0.1.bias`,
        ]);
        expect(lost.sort()).toEqual(expected.sort());
      }
    });

    it('start averages like weights, keep the moments of old weights and begin those of new ones at zero', () => {
      const second = trained(before, 3);
      const ema = trained(before, 4);
      const { G_A2B, G_B2A } = ema;
      const values = trained(before, 1);
      const start = { values, ema: { G_A2B: G_A2B!, G_B2A: G_B2A! }, second };
      const result = growState(start, after, from, new Rng(2, 'init'));
      expect(result.first).toBeUndefined();
      expect(Object.keys(result.ema!)).toEqual(['G_A2B', 'G_B2A']);
      const own = growState({ values: ema }, after, from, new Rng(2, 'init')).values;
      expect(result.ema!.G_A2B).toEqual(own.G_A2B);
      const fresh = ['convs.4.conv.weight', 'convs.5.conv.modulation.weight'];
      for (const path of fresh) expect(result.ema!.G_A2B![path], path).toEqual(result.values.G_A2B![path]);
      expect(result.second!.D_A!['l_branch.2.conv1.0.weight']).toBe(second.D_A!['l_branch.1.conv1.0.weight']);
      expect(result.second!.G_A2B!['encoder.stem.2.conv1.0.weight']).toBe(
        second.G_A2B!['encoder.stem.1.conv1.0.weight'],
      );
      for (const path of [...fresh, 'encoder.stem.0.0.weight', 'encoder.stem.1.skip.1.weight'])
        expect(
          result.second!.G_A2B![path]!.every((value) => value === 0),
          path,
        ).toBe(true);
      const kept = Object.entries(result.second!.G_A2B!).filter(([, data]) =>
        data.some((value) => value !== 0),
      );
      expect(kept.length).toBe(Object.keys(second.G_A2B!).length - 2);
    });
  },
);

describe('growing rejects networks', () => {
  const from = tinyConfig({ model: small }).model;
  it.each<[string, PartialConfig['model'], RegExp]>([
    [
      'of four times the size',
      large({ size: 128, numDown: 4 }),
      /model\.size to be 32, as in RUN, or 64, .* set model\.size=32 or model\.size=64/s,
    ],
    [
      'whose content code grows',
      large({ numDown: 2 }),
      /model\.numDown to be 3, one more than in RUN, .* but found 2; set model\.numDown=3/s,
    ],
    [
      'of another style code',
      large({ latentDim: 4 }),
      /model\.latentDim to be 8, as in RUN but found 4; set model\.latentDim=8/s,
    ],
    [
      'of another discriminator',
      large({ discriminatorGlobalSize: 16 }),
      /model\.discriminatorGlobalSize to be 8, .* set model\.discriminatorGlobalSize=8/s,
    ],
    [
      'of another width',
      large({ channelDivisor: 32 }),
      /model\.channels\.4 over model\.channelDivisor to be 8, as in RUN but found 16;/s,
    ],
    [
      'that are too narrow for an image at the new size',
      { ...large(), channels: {} },
      /model\.channels\.64 over model\.channelDivisor to be at least 6, .* found 4; set model\.channels\.64=384/s,
    ],
  ])('%s, and names the key and what to set', (_, model, message) => {
    const to = tinyConfig({ model }).model;
    expect(() => checkGrows(from, to, 'RUN')).toThrow(InputError);
    expect(() => checkGrows(from, to, 'RUN')).toThrow(message);
  });
});
