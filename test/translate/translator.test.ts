import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildGenerator } from '../../src/model/generator.js';
import { type NetworkValues, ParameterGroup } from '../../src/model/parameter-groups.js';
import type { Params } from '../../src/model/parameters.js';
import { loadEngine } from '../../src/runtime/node.js';
import { Rng } from '../../src/runtime/rng.js';
import { buildNetworks, initNetworks } from '../../src/train/networks.js';
import { drawStyles, Translator } from '../../src/translate/translator.js';
import { tinyConfig } from '../support/config.js';
import { relativeError } from '../support/reference.js';

const config = tinyConfig();
const { model } = config;
const PICTURE = model.size ** 2 * 3;
const { G_A2B, G_B2A } = initNetworks(buildNetworks(config), new Rng(1, 'init'));
const values: NetworkValues = { G_A2B: G_A2B!, G_B2A: G_B2A! };

/** Weights whose pictures are all at the value of the last RGB bias and around. */
function withRgbBias(bias: number): NetworkValues {
  const changed = { ...values.G_A2B!, 'to_rgb1.bias': Float32Array.of(bias, bias, bias) };
  return { ...values, G_A2B: changed };
}

function noise(count: number, seed = 1): Float32Array {
  const rng = new Rng(seed, 'pictures');
  return Float32Array.from({ length: count * PICTURE }, () => rng.uniform(-1, 1));
}
const styles = (count: number, seed = 1): Float32Array =>
  drawStyles(new Rng(seed, 'styles'), count, model.latentDim);

let translator: Translator;
let before: number;
beforeAll(async () => {
  await loadEngine();
  // Makes the constants that all translations share.
  const first = new Translator(model, values);
  first.translate('A2B', noise(1), styles(1));
  first.dispose();
});
beforeEach(() => {
  before = tf.memory().numTensors;
  translator = new Translator(model, values);
});
afterEach(() => {
  translator.dispose();
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
});

/** The generator's own functions on the weights of one direction. */
function withGenerator<T extends number[]>(
  name: 'G_A2B' | 'G_B2A',
  fn: (generator: ReturnType<typeof buildGenerator>, params: Params) => tf.Tensor,
): T {
  const generator = buildGenerator(model);
  const group = new ParameterGroup({ net: generator.specs });
  const result = tf.tidy(() => {
    const flat = group.pack({ net: values[name]! }).map((bucket) => tf.tensor1d(bucket));
    return Array.from(fn(generator, group.parameters(flat).net!).dataSync());
  });
  group.dispose();
  return result as T;
}
const upload = (pictures: Float32Array): tf.Tensor =>
  tf.tensor4d(pictures, [pictures.length / PICTURE, model.size, model.size, 3]);

describe('translate', () => {
  it.each([
    ['A2B', 'G_A2B'],
    ['B2A', 'G_B2A'],
  ] as const)('%s decodes the content with the given styles, by %s, clamped', (direction, network) => {
    const result = translator.translate(direction, noise(3), styles(3));
    expect(result.length).toBe(3 * PICTURE);
    const expected = withGenerator(network, (generator, params) => {
      const { content } = generator.encode(params, upload(noise(3)));
      return tf.clipByValue(
        generator.decode(params, content, tf.tensor2d(styles(3), [3, model.latentDim])),
        -1,
        1,
      );
    });
    expect(relativeError(result, expected)).toBeLessThan(1e-6);
    const other = translator.translate(direction === 'A2B' ? 'B2A' : 'A2B', noise(3), styles(3));
    expect(relativeError(other, expected)).toBeGreaterThan(0.01);
  });

  it('gives the same bytes every time', () => {
    const first = translator.translate('A2B', noise(2), styles(2));
    expect(translator.translate('A2B', noise(2), styles(2))).toEqual(first);
    const fresh = new Translator(model, values);
    expect(fresh.translate('A2B', noise(2), styles(2))).toEqual(first);
    fresh.dispose();
  });

  it('translates every picture as it would alone', () => {
    const both = translator.translate('A2B', noise(2), styles(2));
    const alone = translator.translate('A2B', noise(2).slice(PICTURE), styles(2).slice(model.latentDim));
    expect(relativeError(alone, both.slice(PICTURE))).toBeLessThan(1e-5);
  });

  it('clamps to [-1, 1]', () => {
    for (const bias of [100, -100]) {
      const bright = new Translator(model, withRgbBias(bias));
      expect(new Set(bright.translate('A2B', noise(1), styles(1)))).toContain(Math.sign(bias));
      const result = bright.translate('A2B', noise(1), styles(1));
      expect(result.every((value) => value >= -1 && value <= 1)).toBe(true);
      bright.dispose();
    }
  });

  it('codes content once for several styles', () => {
    const content = translator.encode('A2B', noise(1));
    expect(content.count).toBe(1);
    expect(content.codes.shape.slice(0, 3)).toEqual([1, 8, 8]);
    for (const seed of [1, 2])
      expect(translator.decode(content, styles(1, seed))).toEqual(
        translator.translate('A2B', noise(1), styles(1, seed)),
      );
    content.codes.dispose();
  });

  it('refuses another number of styles than of pictures, and leaves nothing behind', () => {
    expect(() => translator.translate('A2B', noise(2), styles(3))).toThrow();
  });
});

describe('styleOf', () => {
  it.each([
    ['A2B', 'G_B2A'],
    ['B2A', 'G_A2B'],
  ] as const)('%s: the style of a picture of the target domain comes from %s', (direction, network) => {
    const found = translator.styleOf(direction, noise(2));
    expect(found.length).toBe(2 * model.latentDim);
    const expected = withGenerator(network, (generator, params) =>
      generator.styleEncode(params, upload(noise(2))),
    );
    expect(relativeError(found, expected)).toBeLessThan(1e-6);
  });
});

describe('a translator', () => {
  it('refuses weights that do not fit', () => {
    const { 'conv1.conv.weight': _, ...rest } = values.G_A2B!;
    expect(() => new Translator(model, { ...values, G_A2B: rest })).toThrow(/G_A2B\/conv1.conv.weight/);
    const wider = tinyConfig({ model: { channelDivisor: 32 } }).model;
    expect(() => new Translator(wider, values)).toThrow(RangeError);
  });
});
