import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { resolveConfig } from '../../src/config/load.js';
import { variantNames } from '../../src/config/variants/names.js';
import { variants } from '../../src/config/variants/registry.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { channelsAt, contentSize, halvings } from '../../src/model/architecture.js';
import { generatorSpecs, NETWORK_NAMES, networkSpecs, specsByNetwork } from '../../src/model/networks.js';
import { initParameters, type ParameterSpecs, parameter, sizeOf } from '../../src/model/parameters.js';
import { loadEngine } from '../../src/runtime/node.js';
import { tinyConfig } from '../support/config.js';
import { drawnParams } from '../support/networks.js';
import { configOf, ReferenceRun, readTensors } from '../support/reference.js';
import { randomTensor } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const ARCHITECTURES = variantNames.flatMap((variant) =>
  [
    { size: 32, numDown: 1, channelDivisor: 64 },
    { size: 32, numDown: 2, channelDivisor: 64 },
    { size: 32, numDown: 3, channelDivisor: 64 },
    { size: 64, numDown: 2, channelDivisor: 64 },
    { size: 64, numDown: 4, channelDivisor: 64, residualBlocks: 0 },
    { size: 64, numDown: 3, channelDivisor: 64, residualBlocks: 2 },
    { size: 128, numDown: 3, channelDivisor: 256 },
    { size: 128, numDown: 5, channelDivisor: 256 },
  ].map((model) => ({ variant, ...model })),
);

describe.each(ARCHITECTURES)('$variant, $size px, $numDown halvings', (model) => {
  const config = tinyConfig({ model });
  const { size, latentDim, styleDim } = config.model;
  const side = size / 2 ** model.numDown;

  it('the generator gives content code, style code, mapped style and image their shapes', () => {
    const { generator } = buildNetworks(config);
    const params = drawnParams(generator.specs);
    const { content, style } = generator.encode(params, randomTensor(1, [2, size, size, 3]));
    expect(content.shape).toEqual([2, side, side, channelsAt(config.model, side)]);
    expect(style.shape).toEqual([2, latentDim]);
    expect(generator.map(params, style).shape).toEqual([2, styleDim]);
    const image = generator.decode(params, content, style);
    expect(image.shape).toEqual([2, size, size, 3]);
    expect(image.dataSync().every(Number.isFinite)).toBe(true);
  });

  it('the discriminators give one logit for each patch, each image and each batch', () => {
    const { imageDiscriminator, latentDiscriminator } = buildNetworks(config);
    const { discriminatorLocalSize: local, discriminatorGlobalSize: global } = config.model;
    const logits = imageDiscriminator.apply(
      drawnParams(imageDiscriminator.specs),
      randomTensor(1, [2, size, size, 3]),
    );
    expect(logits.local.shape).toEqual([2, local, local, 1]);
    const isMap = variants[model.variant].globalBranch === 'map';
    expect(logits.global.shape).toEqual(isMap ? [2, global, global, 1] : [2, 1]);
    expect(logits.diversity.shape).toEqual([2, 1]);
    const style = latentDiscriminator.apply(
      drawnParams(latentDiscriminator.specs),
      randomTensor(1, [2, latentDim]),
    );
    expect(style.shape).toEqual([2, 1]);
  });
});

describe.each(['main', 'train'])('parameters of %s', (variant) => {
  const run = new ReferenceRun(variant);
  const networks = buildNetworks(configOf(run.config));
  const { G_A2B, D_A, D_L } = specsByNetwork(networks);
  const specs: Record<string, ParameterSpecs> = { G_A2B, D_A, D_L };
  const stored = readTensors(`training-${variant}.safetensors`);

  it.each(Object.keys(specs))(
    "%s has the paths of the reference's state_dict, without its blur kernels",
    (name) => {
      const prefix = `init/${name}/`;
      const theirs = [...stored.keys()].filter((key) => key.startsWith(prefix) && !key.endsWith('kernel'));
      expect(theirs.length).toBeGreaterThan(0);
      expect(
        Object.keys(specs[name]!)
          .map((path) => prefix + path)
          .sort(),
      ).toEqual(theirs.sort());
    },
  );

  it("draws initial weights of the reference's deviation", () => {
    let compared = 0;
    for (const [name, tree] of Object.entries(specs)) {
      const ours = initParameters(tree, new Rng(3, 'compare'));
      for (const [path, { shape, gain }] of Object.entries(tree)) {
        if (path.endsWith('bias')) continue;
        const theirs = rootMeanSquare(run.raw(`init/${name}/${path}`).data);
        const ratio = rootMeanSquare(ours[path]!) / gain / theirs;
        // Of n normal numbers each, the ratio's deviation is 1 / sqrt(n).
        expect(Math.abs(ratio - 1), `${name}/${path}`).toBeLessThan(5 / Math.sqrt(sizeOf(shape)));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(50);
  });
});

function rootMeanSquare(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((total, value) => total + value * value, 0) / values.length);
}

describe('initParameters', () => {
  const config = tinyConfig();
  const networks = buildNetworks(config);

  it('draws the same weights from the same seed and other weights from another seed', () => {
    const first = initNetworks(networks, new Rng(1, 'init'));
    expect(initNetworks(networks, new Rng(1, 'init'))).toEqual(first);
    const other = initNetworks(networks, new Rng(2, 'init'));
    expect(other.G_A2B!['conv1.conv.weight']).not.toEqual(first.G_A2B!['conv1.conv.weight']);
  });

  it('draws both generators and both image discriminators independently', () => {
    const { G_A2B, G_B2A, D_A, D_B } = initNetworks(networks, new Rng(1, 'init'));
    expect(G_A2B!['conv1.conv.weight']).not.toEqual(G_B2A!['conv1.conv.weight']);
    expect(D_A!['g_final.weight']).not.toEqual(D_B!['g_final.weight']);
  });

  it('draws every parameter from its own stream, so that adding one changes no other', () => {
    const { specs } = networks.generator;
    const all = initParameters(specs, new Rng(1, 'init'));
    const [path, spec] = Object.entries(specs).at(-2)!;
    expect(initParameters({ [path]: spec }, new Rng(1, 'init'))[path]).toEqual(all[path]);
  });

  it('draws effective weights: they contain the equalized scale and the gain of the activation', () => {
    const wide = resolveConfig({
      model: { channelDivisor: 8, styleDim: 128 },
      losses: { lpips: { weight: 0 } },
    });
    const { specs } = buildNetworks(wide).generator;
    const values = initParameters(specs, new Rng(1, 'init'));
    const deviation = (path: string): number => rootMeanSquare(values[path]!);
    const fanIn = specs['conv1.conv.weight']!.shape.slice(0, 3).reduce((a, b) => a * b, 1);
    expect(deviation('conv1.conv.weight') * Math.sqrt(fanIn)).toBeCloseTo(1, 1);
    expect(new Set(values['conv1.conv.modulation.bias'])).toEqual(new Set([1]));
    expect(new Set(values['mapping.1.bias'])).toEqual(new Set([0]));
    // Deviation 1 over the root of the fan-in, times the activation's gain; the learning rate's factor is the gain alone.
    const { gain, shape } = specs['mapping.1.weight']!;
    expect(deviation('mapping.1.weight') * Math.sqrt(shape[0]!)).toBeCloseTo(Math.SQRT2, 1);
    expect(gain * Math.sqrt(shape[0]!)).toBeCloseTo(Math.SQRT2 * wide.model.mappingRate, 6);
  });
});

describe('the list of networks', () => {
  const config = tinyConfig();

  it('has the specs of the built networks, in the order of the names', () => {
    const specs = networkSpecs(config.model);
    expect(Object.keys(specs)).toEqual([...NETWORK_NAMES]);
    expect(JSON.stringify(specs)).toBe(JSON.stringify(specsByNetwork(buildNetworks(config))));
  });

  it('begins with the generators, which generatorSpecs lists alone', () => {
    const { G_A2B, G_B2A } = networkSpecs(config.model);
    expect(generatorSpecs(config.model)).toEqual({ G_A2B, G_B2A });
  });
});

describe('architecture', () => {
  const { model } = tinyConfig({ model: { channels: { 64: 100 }, channelDivisor: 30 } });

  it('rounds divided channels and keeps at least one', () => {
    expect(channelsAt(model, 64)).toBe(3);
    expect(channelsAt({ ...model, channelDivisor: 1e6 }, 64)).toBe(1);
    expect(() => channelsAt(model, 48)).toThrow(/model.channels has no entry for 48 px/);
  });

  it('lists the halvings between two resolutions', () => {
    expect(halvings(64, 8)).toEqual([32, 16, 8]);
    expect(halvings(8, 8)).toEqual([]);
    expect(contentSize(model)).toBe(8);
  });

  it('throws with the path of a missing parameter', () => {
    expect(() => parameter({}, 'conv1.conv.weight')).toThrow(/no 'conv1.conv.weight'/);
  });
});
