import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { initParameters, type ParameterSpecs } from '../../src/model/parameters.js';
import { ParameterGroup } from '../../src/optim/parameter-groups.js';
import { loadEngine } from '../../src/runtime/node.js';
import { tinyConfig } from '../support/config.js';
import { valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const spec = (shape: number[], gain: number): ParameterSpecs[string] => ({
  shape,
  init: { deviation: 1 },
  gain,
  torch: { kind: 'vector' },
});

const FIRST: ParameterSpecs = { weight: spec([2, 3], 0.5), bias: spec([3], 2), scalar: spec([1], 1) };
const SECOND: ParameterSpecs = { weight: spec([1, 1, 3, 2], 3), bias: spec([2], 3) };
const NETWORKS = { first: FIRST, second: SECOND };
const values = {
  first: initParameters(FIRST, new Rng(1, 'first')),
  second: initParameters(SECOND, new Rng(1, 'second')),
};
const paths = Object.entries(NETWORKS).flatMap(([network, specs]) =>
  Object.keys(specs).map((path) => ({ network: network as keyof typeof NETWORKS, path })),
);

const upload = (flat: Float32Array[]): tf.Tensor[] => flat.map((bucket) => tf.tensor1d(bucket));

// One bucket, several buckets, and one for every parameter, although some parameters exceed the limit.
describe.each([100, 10, 8, 1])('a parameter group with buckets of up to %i elements', (bucketElements) => {
  const group = new ParameterGroup(NETWORKS, { bucketElements });
  afterEach(() => group.dispose());

  it('holds every parameter once, in order', () => {
    expect(group.parameterCount).toBe(6 + 3 + 1 + 6 + 2);
    const entries = group.buckets.flatMap((bucket) => bucket.entries);
    expect(entries.map(({ network, path }) => ({ network, path }))).toEqual(paths);
    for (const { entries: inside, size } of group.buckets) {
      expect(size).toBe(inside.reduce((total, entry) => total + entry.size, 0));
      if (inside.length > 1) expect(size).toBeLessThanOrEqual(bucketElements);
    }
    expect(group.buckets.length).toBe({ 100: 1, 10: 2, 8: 3, 1: 5 }[bucketElements]);
  });

  it('packs and unpacks without changing a bit', () => {
    expect(group.unpack(group.pack(values))).toEqual(values);
  });

  it('gives every parameter its shape and values', () => {
    const params = group.parameters(upload(group.pack(values)));
    for (const { network, path } of paths) {
      const { shape } = NETWORKS[network][path]!;
      const tensor = params[network]![path]!;
      expect(tensor.shape).toEqual(shape);
      expect(valuesOf(tensor)).toEqual([...values[network][path]!]);
    }
    expect(group.inOrder(params)).toEqual(paths.map(({ network, path }) => params[network]![path]));
  });

  it('joins gradients in the layout of the parameters and knows the gain of every element', () => {
    const gradients = paths.map(({ network, path }, i) => tf.fill(NETWORKS[network][path]!.shape, i + 1));
    const buckets = group.gradientBuckets(gradients);
    expect(buckets.map(({ shape }) => shape)).toEqual(group.buckets.map(({ size }) => [size]));
    const unpacked = group.unpack(buckets.map((bucket) => bucket.dataSync<'float32'>()));
    paths.forEach(({ network, path }, i) => {
      expect(new Set(unpacked[network]![path])).toEqual(new Set([i + 1]));
    });
    const gains = group.buckets.map(({ size }, i) => {
      const gain = group.gainOf(i);
      return typeof gain === 'number' ? new Float32Array(size).fill(gain) : gain.dataSync<'float32'>();
    });
    const gainsByPath = group.unpack(gains);
    for (const { network, path } of paths)
      expect(new Set(gainsByPath[network]![path])).toEqual(
        new Set([Math.fround(NETWORKS[network][path]!.gain)]),
      );
  });

  it('orders trained buckets from the last layers of all networks to the first', () => {
    const layers = (gain: number): ParameterSpecs =>
      Object.fromEntries(
        ['first', 'bias', 'last'].map((path) => [path, spec(path === 'bias' ? [2] : [8], gain)]),
      );
    const deep = new ParameterGroup({ A: layers(1), B: layers(1) }, { largeElements: 8 });
    const paths = deep.backwardOrder.map((i) =>
      deep.buckets[i]!.entries.map(({ network, path }) => `${network}/${path}`).join(),
    );
    expect(paths).toEqual(['B/last', 'A/last', 'A/bias,B/bias', 'B/first', 'A/first']);
  });

  it('keepParameters keeps the parameters beyond the scope, and nothing else', () => {
    // The first call makes the constants of the group, which do not count.
    tf.tidy(() => void group.parameters(upload(group.pack(values))));
    const before = tf.memory().numTensors;
    const params = tf.tidy(() => group.keepParameters(values));
    expect(tf.memory().numTensors - before).toBe(paths.length);
    const kept = group.inOrder(params);
    expect(kept.every((tensor) => !tensor.isDisposed)).toBe(true);
    tf.dispose(kept);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('learning-rate multipliers', () => {
  const multipliers: Record<string, number> = { 'first/bias': 0, 'second/weight': 0, 'first/weight': 0.5 };
  const group = new ParameterGroup(NETWORKS, {
    multiplierOf: (network, path) => multipliers[`${network}/${path}`] ?? 1,
  });
  afterEach(() => group.dispose());
  const isTrained = (name: string): boolean => (multipliers[name] ?? 1) > 0;

  it('put frozen parameters into separate buckets after the trained ones', () => {
    const names = group.buckets.map(({ entries }) =>
      entries.map(({ network, path }) => `${network}/${path}`),
    );
    expect(names.slice(0, group.trainedBuckets).flat().every(isTrained)).toBe(true);
    expect(names.slice(group.trainedBuckets).flat().some(isTrained)).toBe(false);
    expect(names.flat().sort()).toEqual(paths.map(({ network, path }) => `${network}/${path}`).sort());
    expect(group.unpack(group.pack(values))).toEqual(values);
  });

  it('of 0 need no gradients', () => {
    const params = group.parameters(upload(group.pack(values)));
    const trained = paths.filter(({ network, path }) => isTrained(`${network}/${path}`));
    const inOrder = group.inOrder(params);
    expect(inOrder).toHaveLength(trained.length);
    expect(group.gradientBuckets(inOrder)).toHaveLength(group.trainedBuckets);
  });

  it('multiply the steps and not the gains', () => {
    const scales = group.buckets.map(({ size }, i) =>
      [group.gainOf(i), group.stepScaleOf(i)].map((scale) =>
        typeof scale === 'number' ? new Float32Array(size).fill(scale) : scale.dataSync<'float32'>(),
      ),
    );
    const [gains, steps] = [0, 1].map((k) => group.unpack(scales.map((pair) => pair[k]!)));
    for (const { network, path } of paths) {
      const { gain } = NETWORKS[network][path]!;
      expect(gains![network]![path]![0]).toBeCloseTo(gain, 6);
      expect(steps![network]![path]![0]).toBeCloseTo(gain * (multipliers[`${network}/${path}`] ?? 1), 6);
    }
  });
});

describe('pack', () => {
  const group = new ParameterGroup(NETWORKS);

  it('throws with the name of a parameter that is missing, of a missing network, or of another size', () => {
    const { bias, ...rest } = values.first;
    expect(() => group.pack({ ...values, first: rest as typeof values.first })).toThrow(
      /^first\/bias has no values but needs 3$/,
    );
    expect(() => group.pack({ first: values.first })).toThrow(/^second\/weight has no values but needs 6/);
    const longer = { ...rest, bias: new Float32Array([...bias!, 1]) } as typeof values.first;
    expect(() => group.pack({ ...values, first: longer })).toThrow(/^first\/bias has 4 values but needs 3/);
  });

  it('ignores networks that the group does not contain', () => {
    const third = { weight: new Float32Array(5) };
    expect(group.unpack(group.pack({ ...values, third }))).toEqual(values);
  });
});

it('packing and unpacking the weights of all networks does not change them', () => {
  const networks = buildNetworks(tinyConfig());
  const { generators, discriminators } = networks;
  const drawn = initNetworks(networks, new Rng(1, 'init'));
  const { G_A2B, G_B2A, ...discriminatorValues } = drawn;
  expect(generators.unpack(generators.pack(drawn))).toEqual({ G_A2B, G_B2A });
  expect(discriminators.unpack(discriminators.pack(drawn))).toEqual(discriminatorValues);
});
