import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TorchTensor } from '../../src/checkpoint/torch-layout.js';
import { foldInception } from '../../src/eval/features/inception-weights.js';
import { buildInception, INCEPTION_DIMS } from '../../src/perceptual/inception.js';
import { loadEngine } from '../../src/runtime/node.js';
import { formulaInception, relativeError } from '../support/reference.js';
import { randomTensor } from '../support/tensors.js';

/** torchvision's variant; test/eval/features compares pytorch-fid's variant with its figures. */
const inception = buildInception('imagenet');
let whole: Map<string, TorchTensor>;

describe('Inception', () => {
  beforeAll(async () => {
    await loadEngine();
    whole = formulaInception(inception, 43);
  });

  it('computes the features of every image independently of the batch', () => {
    const values = foldInception(inception, whole);
    tf.tidy(() => {
      const params = Object.fromEntries(
        Object.entries(inception.specs).map(([path, { shape }]) => [path, tf.tensor(values[path]!, shape)]),
      );
      const images = randomTensor(1, [2, 75, 91, 3]);
      const both = inception.features(params, images);
      expect(both.shape).toEqual([2, INCEPTION_DIMS]);
      const second = inception.features(params, tf.slice(images, [1, 0, 0, 0], [1, 75, 91, 3]));
      expect(relativeError(both.dataSync().subarray(INCEPTION_DIMS), second.dataSync())).toBeLessThan(1e-5);
    });
  });

  it('rejects weights that are incomplete, damaged or of another network', () => {
    const path = 'Mixed_5b.branch5x5_2';
    const fold = (name: string, tensor: TorchTensor | undefined) => () => {
      const changed = new Map(whole);
      if (tensor === undefined) changed.delete(name);
      else changed.set(name, tensor);
      return foldInception(inception, changed);
    };
    expect(fold(`${path}.bn.running_var`, undefined)).toThrow(
      `'${path}.bn.running_var' is missing, expected [64]`,
    );
    const narrow = { shape: [64, 48, 3, 3], data: new Float32Array(64 * 48 * 9) };
    expect(fold(`${path}.conv.weight`, narrow)).toThrow(
      `'${path}.conv.weight' is [64,48,3,3], expected [64,48,5,5]`,
    );
    const negative = { shape: [64], data: new Float32Array(64).fill(-1) };
    expect(fold(`${path}.bn.running_var`, negative)).toThrow(`'${path}' with numbers that are not finite`);
  });

  it('distinguishes the weights of its variants by their classifiers', () => {
    const classifier = (classes: number) =>
      new Map([['fc.bias', { shape: [classes], data: new Float32Array(classes) }]]);
    expect(() => foldInception(inception, classifier(1008))).toThrow("'fc.bias' is [1008], expected [1000]");
    const fid = buildInception('fid');
    expect(() => foldInception(fid, classifier(1000))).toThrow("'fc.bias' is [1000], expected [1008]");
  });
});
