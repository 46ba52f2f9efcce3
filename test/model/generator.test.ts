import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildGenerator } from '../../src/model/generator.js';
import { styledConv } from '../../src/model/modulated.js';
import type { Params } from '../../src/model/parameters.js';
import { blur } from '../../src/ops/resample.js';
import { loadEngine } from '../../src/runtime/node.js';
import { tinyConfig } from '../support/config.js';
import { drawnParams } from '../support/networks.js';
import { relativeError } from '../support/reference.js';
import { randomTensor, valuesOf } from '../support/tensors.js';

const { model } = tinyConfig({ model: { size: 64, numDown: 2 } });
const generator = buildGenerator(model);

let params: Params;
beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => {
  tf.engine().startScope();
  params = drawnParams(generator.specs);
});
afterEach(() => tf.engine().endScope());

const images = (count: number): tf.Tensor => randomTensor(1, [count, 64, 64, 3], 0, 0.5);
const rowOf = (x: tf.Tensor, i: number): tf.Tensor =>
  tf.slice(x, [i, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]);

describe('encode', () => {
  it('combines the stem and its two heads', () => {
    const { content, style } = generator.encode(params, images(2));
    const features = generator.stem(params, images(2));
    expect(valuesOf(content)).toEqual(valuesOf(generator.contentHead(params, features)));
    expect(valuesOf(style)).toEqual(valuesOf(generator.styleHead(params, features)));
    expect(valuesOf(generator.styleEncode(params, images(2)))).toEqual(valuesOf(style));
  });

  it('encodes every image independently of the batch', () => {
    const both = generator.encode(params, images(2));
    const alone = generator.encode(params, rowOf(images(2), 1));
    expect(relativeError(valuesOf(alone.content), valuesOf(rowOf(both.content, 1)))).toBeLessThan(1e-5);
    expect(relativeError(valuesOf(alone.style), valuesOf(rowOf(both.style, 1)))).toBeLessThan(1e-5);
  });
});

describe('decode', () => {
  const style = (seed: number, count = 1): tf.Tensor => randomTensor(seed, [count, model.latentDim]);
  const content = (count = 1): tf.Tensor => generator.encode(params, images(count)).content;

  it('decodes every content code with the style code of its row', () => {
    const both = generator.decode(params, content(2), style(5, 2));
    const alone = generator.decode(params, rowOf(content(2), 1), rowOf(style(5, 2), 1));
    expect(relativeError(valuesOf(alone), valuesOf(rowOf(both, 1)))).toBeLessThan(1e-5);
  });

  it('changes the image everywhere if the style code changes', () => {
    const first = valuesOf(generator.decode(params, content(), style(5)));
    const second = valuesOf(generator.decode(params, content(), style(6)));
    const unchanged = first.filter((value, i) => value === second[i]).length;
    expect(unchanged / first.length).toBeLessThan(0.01);
  });

  it('changes the image only near the place where the content code changes', () => {
    const before = content();
    const at = before.shape.map((n) => [0, n - 1] as [number, number]);
    at[3] = [0, 0];
    const corner = tf.pad(tf.fill([1, 1, 1, before.shape[3]!], 3), at);
    const first = generator.decode(params, before, style(5));
    const second = generator.decode(params, tf.add(before, corner), style(5));
    const changed = tf.abs(tf.sub(first, second)) as tf.Tensor4D;
    const size = 16;
    const largest = (from: number): number =>
      valuesOf(tf.max(tf.slice(changed, [0, from, from, 0], [1, size, size, 3])))[0]!;
    expect(largest(0)).toBeGreaterThan(1e-3);
    expect(largest(64 - size)).toBeLessThan(1e-6);
  });

  it('uses the style code through the mapping network alone', () => {
    // A mapping network of zeros gives one mapped style for all style codes.
    const withoutMapping = Object.fromEntries(
      Object.entries(params).map(([path, tensor]) => [
        path,
        path.startsWith('mapping.0') ? tf.zerosLike(tensor) : tensor,
      ]),
    );
    expect(valuesOf(generator.decode(withoutMapping, content(), style(5)))).toEqual(
      valuesOf(generator.decode(withoutMapping, content(), style(6))),
    );
  });
});

describe('styled convolution', () => {
  const styles = (): tf.Tensor => randomTensor(3, [2, 5]);

  /** The reference's way: a filter for every image, modulated and demodulated; then activation and its gain. */
  function oneByOne(p: Params, x: tf.Tensor, up: boolean): tf.Tensor {
    const modulation = tf.add(
      tf.matMul(styles(), p['layer.conv.modulation.weight']!),
      p['layer.conv.modulation.bias']!,
    );
    const rows = [0, 1].map((n) => {
      const [, , third, fourth] = p['layer.conv.weight']!.shape as [number, number, number, number];
      const s = tf.reshape(rowOf(modulation, n), up ? [1, 1, 1, fourth] : [1, 1, third, 1]);
      const filter = tf.mul(p['layer.conv.weight']!, s);
      const power = tf.sum(tf.square(filter), up ? [0, 1, 3] : [0, 1, 2], true);
      const unit = tf.mul(filter, tf.rsqrt(tf.add(power, 1e-8))) as tf.Tensor4D;
      const image = rowOf(x, n) as tf.Tensor4D;
      if (!up) return tf.conv2d(image, unit, 1, 'same');
      const [, h, w] = image.shape;
      return blur(tf.conv2dTranspose(image, unit, [1, 2 * h + 1, 2 * w + 1, third], 2, 'valid'), [1, 1], 4);
    });
    // The effective bias carries the gain already.
    return tf.leakyRelu(tf.add(tf.mul(tf.concat(rows, 0), Math.SQRT2), p['layer.activate.bias']!), 0.2);
  }

  it.each([false, true])(
    'equals convolution with weights that are modulated and demodulated image by image (up: %s)',
    (up) => {
      const layer = styledConv('layer', { inChannels: 3, outChannels: 4, size: 3, styleDim: 5, up });
      const p = drawnParams(layer.specs);
      const x = randomTensor(2, [2, 4, 5, 3]);
      const y = layer.apply(p, x, styles());
      expect(y.shape).toEqual(up ? [2, 8, 10, 4] : [2, 4, 5, 4]);
      expect(relativeError(valuesOf(y), valuesOf(oneByOne(p, x, up)))).toBeLessThan(1e-5);
    },
  );

  it('keeps the deviation of its inputs with any style', () => {
    const layer = styledConv('layer', { inChannels: 64, outChannels: 64, size: 3, styleDim: 5 });
    const p = { ...drawnParams(layer.specs), 'layer.activate.bias': tf.zeros([64]) };
    const y = layer.apply(p, randomTensor(2, [2, 16, 16, 64]), styles());
    // Leaky ReLU with its gain of sqrt(2) takes a mean square of 1 to (1 + 0.2^2).
    expect(valuesOf(tf.mean(tf.square(y)))[0]).toBeCloseTo(1.04, 0);
  });
});
