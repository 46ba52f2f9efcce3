import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { buildGenerator } from '../../src/model/generator.js';
import type { NetworkValues, Params } from '../../src/model/parameters.js';
import { ParameterGroup } from '../../src/optim/parameter-groups.js';
import { loadEngine } from '../../src/runtime/node.js';
import { CapturedTranslator } from '../../src/translate/captured-translator.js';
import { EagerTranslator } from '../../src/translate/eager-translator.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import { drawStyles, type Translator } from '../../src/translate/translator.js';
import { tinyConfig } from '../support/config.js';
import { relativeError } from '../support/reference.js';

const config = tinyConfig();
const { model } = config;
const PICTURE = model.size ** 2 * 3;
const { G_A2B, G_B2A } = initNetworks(buildNetworks(config), new Rng(1, 'init'));
const values: NetworkValues = { G_A2B: G_A2B!, G_B2A: G_B2A! };

/** Weights whose images are all at the value of the last RGB bias and around. */
function withRgbBias(bias: number): NetworkValues {
  const changed = { ...values.G_A2B!, 'to_rgb1.bias': Float32Array.of(bias, bias, bias) };
  return { ...values, G_A2B: changed };
}

function noise(count: number, seed = 1): Float32Array {
  const rng = new Rng(seed, 'images');
  return Float32Array.from({ length: count * PICTURE }, () => rng.uniform(-1, 1));
}
const styles = (count: number, seed = 1): Float32Array =>
  drawStyles(new Rng(seed, 'styles'), count, model.latentDim);

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
const upload = (images: Float32Array): tf.Tensor =>
  tf.tensor4d(images, [images.length / PICTURE, model.size, model.size, 3]);

/** Counts of tensors: of tfjs, and of TensorFlow below it. */
function counts() {
  const backend = tf.backend() as unknown as { getNumOfTFTensors(): number; getNumOfSavedModels(): number };
  return {
    tensors: tf.memory().numTensors,
    tensorflow: backend.getNumOfTFTensors(),
    sessions: backend.getNumOfSavedModels(),
  };
}

const kinds = { captured: true, eager: false };

beforeAll(async () => {
  await loadEngine();
  // Makes the constants that all translations share.
  for (const capture of [true, false]) {
    const first = openTranslator(model, values, { capture });
    first.translate('A2B', noise(1), styles(1));
    first.dispose();
  }
});

describe.each(Object.entries(kinds))('%s', (_, capture) => {
  let translator: Translator;
  let before: ReturnType<typeof counts>;
  const open = (weights: NetworkValues): Translator => openTranslator(model, weights, { capture, batch: 2 });
  beforeAll(() => {
    before = counts();
    translator = open(values);
  });
  afterAll(() => {
    translator.dispose();
    expect(counts(), 'left behind').toEqual(before);
  });

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
    expect(relativeError(result, expected)).toBeLessThan(1e-5);
    const other = translator.translate(direction === 'A2B' ? 'B2A' : 'A2B', noise(3), styles(3));
    expect(relativeError(other, expected)).toBeGreaterThan(0.01);
  });

  it.each([
    ['A2B', 'G_B2A'],
    ['B2A', 'G_A2B'],
  ] as const)('%s: the style of an image of the target domain comes from %s', (direction, network) => {
    const found = translator.styleOf(direction, noise(3));
    expect(found.length).toBe(3 * model.latentDim);
    const expected = withGenerator(network, (generator, params) =>
      generator.styleEncode(params, upload(noise(3))),
    );
    expect(relativeError(found, expected)).toBeLessThan(1e-5);
  });

  it('translates to the same bytes every time', () => {
    const first = translator.translate('A2B', noise(2), styles(2));
    expect(translator.translate('A2B', noise(2), styles(2))).toEqual(first);
    const fresh = open(values);
    expect(fresh.translate('A2B', noise(2), styles(2))).toEqual(first);
    fresh.dispose();
  });

  it('translates every image of a batch as it would alone', () => {
    const all = translator.translate('A2B', noise(3), styles(3));
    for (const i of [0, 1, 2]) {
      const image = noise(3).slice(i * PICTURE, (i + 1) * PICTURE);
      const style = styles(3).slice(i * model.latentDim, (i + 1) * model.latentDim);
      const alone = translator.translate('A2B', image, style);
      expect(relativeError(alone, all.slice(i * PICTURE, (i + 1) * PICTURE))).toBeLessThan(1e-5);
    }
  });

  it('clamps images to [-1, 1]', () => {
    for (const bias of [100, -100]) {
      const bright = open(withRgbBias(bias));
      const result = bright.translate('A2B', noise(1), styles(1));
      expect(new Set(result)).toContain(Math.sign(bias));
      expect(result.every((value) => value >= -1 && value <= 1)).toBe(true);
      bright.dispose();
    }
  });

  it('decodes one content code in several styles', () => {
    const content = translator.encode('A2B', noise(1));
    expect(content).toMatchObject({ direction: 'A2B', count: 1 });
    expect(content.codes.length % 8 ** 2).toBe(0);
    for (const seed of [1, 2])
      expect(translator.decode(content, styles(1, seed))).toEqual(
        translator.translate('A2B', noise(1), styles(1, seed)),
      );
  });

  it('changes neither earlier results nor its inputs', () => {
    const images = noise(3);
    const content = translator.encode('A2B', images);
    const codes = content.codes.slice();
    const first = translator.decode(content, styles(3));
    const copy = first.slice();
    for (const seed of [2, 3, 4]) translator.translate('A2B', noise(3, seed), styles(3, seed));
    expect(first).toEqual(copy);
    expect(content.codes).toEqual(codes);
    expect(images).toEqual(noise(3));
  });

  it('accumulates no tensors over many translations and errors', () => {
    const during = counts();
    for (let i = 0; i < 20; i++) {
      translator.translate('A2B', noise(3), styles(3));
      translator.styleOf('B2A', noise(1));
      expect(() => translator.translate('A2B', noise(2), styles(3))).toThrow(RangeError);
    }
    expect(counts()).toEqual(during);
  });

  it('rejects arrays of the wrong length and the wrong number of styles, and says what it expects', () => {
    for (const images of [new Float32Array(0), noise(1).subarray(1)])
      for (const attempt of [() => translator.encode('A2B', images), () => translator.styleOf('A2B', images)])
        expect(attempt).toThrow(
          `expected images of 32 x 32 x 3 numbers, one or more, not ${images.length} numbers`,
        );
    expect(() => translator.translate('A2B', noise(2), styles(3))).toThrow(
      `expected a style of 8 numbers for each of 2 images, not ${3 * 8} numbers`,
    );
  });

  it('rejects weights that do not fit, and frees everything', () => {
    const during = counts();
    const { 'conv1.conv.weight': __, ...rest } = values.G_A2B!;
    expect(() => open({ ...values, G_A2B: rest })).toThrow(/G_A2B\/conv1.conv.weight/);
    const wider = tinyConfig({ model: { channelDivisor: 32 } }).model;
    expect(() => openTranslator(wider, values, { capture })).toThrow(RangeError);
    expect(counts()).toEqual(during);
  });

  it('rejects use after dispose, which may be called twice', () => {
    const gone = open(values);
    const content = gone.encode('A2B', noise(1));
    gone.dispose();
    gone.dispose();
    for (const attempt of [
      () => gone.encode('A2B', noise(1)),
      () => gone.decode(content, styles(1)),
      () => gone.styleOf('A2B', noise(1)),
      () => gone.translate('A2B', noise(1), styles(1)),
    ])
      expect(attempt).toThrow('this translator was disposed');
  });
});

describe('captured and eager', () => {
  let captured: Translator;
  let eager: Translator;
  beforeAll(() => {
    captured = CapturedTranslator.fromValues(model, values);
    eager = EagerTranslator.fromValues(model, values);
  });
  afterAll(() => {
    captured.dispose();
    eager.dispose();
  });

  it.each([1, 3, 8, 9])(
    'captured and eager translations are equal for %i images at a time, in both directions',
    (count) => {
      for (const direction of ['A2B', 'B2A'] as const) {
        const [ours, theirs] = [captured, eager].map((translator) => {
          const content = translator.encode(direction, noise(count));
          return {
            codes: content.codes,
            images: translator.decode(content, styles(count)),
            styles: translator.styleOf(direction, noise(count, 2)),
          };
        });
        for (const part of ['codes', 'images', 'styles'] as const) {
          expect(ours![part].length).toBe(theirs![part].length);
          expect(relativeError(ours![part], theirs![part]), `${direction} ${part}`).toBeLessThan(1e-4);
        }
      }
    },
  );

  it('openTranslator captures by default', () => {
    const translator = openTranslator(model, values);
    expect(translator).toBeInstanceOf(CapturedTranslator);
    translator.dispose();
  });
});
