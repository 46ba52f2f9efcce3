import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { comparisonInputs } from '../../../src/export/comparison.js';
import { decodeModel } from '../../../src/export/onnx/model-file.js';
import { exportOnnx } from '../../../src/export/onnx-export.js';
import type { Architecture } from '../../../src/model/architecture.js';
import type { Generator } from '../../../src/model/generator.js';
import { convLayer } from '../../../src/model/layers.js';
import { generatorSpecs } from '../../../src/model/networks.js';
import { initParameters } from '../../../src/model/parameters.js';
import { relu } from '../../../src/ops/activation.js';
import { add } from '../../../src/ops/arithmetic.js';
import { concat } from '../../../src/ops/shape.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { tinyConfig } from '../../support/config.js';

let change: ((generator: Generator) => Generator) | undefined;
// Stands for an edit of the generator's file: all code that builds generators gets the changed one.
vi.mock('../../../src/model/generator.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/model/generator.js')>();
  const buildGenerator: typeof original.buildGenerator = (...args) => {
    const generator = original.buildGenerator(...args);
    return change === undefined ? generator : change(generator);
  };
  return { ...original, buildGenerator };
});

let folder: string;
beforeAll(async () => {
  await loadEngine();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-changed-network-'));
});
afterEach(async () => {
  change = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Exports a generator with drawn parameters, which compares every file with the translator, and gives the graph of one. */
async function exported(architecture: Architecture) {
  const specs = generatorSpecs(architecture);
  const entries = Object.entries(specs).map(([name, of]) => [name, initParameters(of, new Rng(1, name))]);
  const comparisons = await exportOnnx(
    {
      source: {
        architecture,
        values: Object.fromEntries(entries),
        config: { model: architecture },
        dataName: undefined,
        step: 0,
        sha256: '0'.repeat(64),
        dir: 'nowhere',
      },
      out: join(folder, 'out'),
      inputs: await comparisonInputs(architecture),
      card: {},
    },
    { direction: 'A2B', precisions: ['float32'] },
  );
  expect(comparisons).toHaveLength(4);
  for (const { what, difference } of comparisons) expect(difference, what).toBeLessThan(1e-5);
  return decodeModel(await readFile(join(folder, 'out', 'onnx', 'model.onnx'))).graph;
}

const { model: tiny } = tinyConfig({ model: { size: 32, numDown: 1, channelDivisor: 64 } });

test.each([
  { numDown: 2, residualBlocks: 2 },
  { numDown: 3, residualBlocks: 0, mappingLayers: 4 },
  { variant: 'train' as const, latentDim: 5, styleDim: 24 },
])('an architecture of other depths and widths is exported as it is: %j', async (other) => {
  await exported({ ...tiny, ...other });
});

test('a generator with a layer and an activation more is exported with them, without a change in src/export', async () => {
  const before = await exported(tiny);
  const layer = convLayer('extra', { inChannels: 6, outChannels: 3, size: 5, activate: false });
  change = (generator) => ({
    ...generator,
    specs: { ...generator.specs, ...layer.specs },
    decode(params, content, style) {
      const image = generator.decode(params, content, style);
      return add(image, layer.apply(params, concat([relu(image), image], 3)));
    },
  });
  const after = await exported(tiny);
  expect(after.nodes.length - before.nodes.length).toBe(4);
  expect(after.nodes.filter(({ name }) => name.startsWith('extra')).map(({ op }) => op)).toEqual(['Conv']);
  expect(after.initializers.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['extra.0.weight', 'extra.0.bias']),
  );
});
