import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { type TorchTensor, toTorchLayout } from '../../src/checkpoint/torch-layout.js';
import { resolveConfig } from '../../src/config/load.js';
import type { ParameterValues } from '../../src/model/parameters.js';
import { buildLpips } from '../../src/perceptual/lpips.js';
import { loadEngine } from '../../src/runtime/node.js';
import { loadPerceptual } from '../../src/train/perceptual-weights.js';
import { loadLpips, loadLpipsFile, lpipsValues } from '../../src/weights/lpips.js';
import { formulaLpips } from '../support/reference.js';
import { randomTensor, valuesOf } from '../support/tensors.js';
import { formulaCache } from '../support/weights.js';

const { specs } = buildLpips('vgg');
let folder: string;
let values: ParameterValues;

/** The weights as `lpips.LPIPS(net='vgg').state_dict()` names them. */
function stateDict(tree: ParameterValues): Map<string, TorchTensor> {
  const names = Object.entries(toTorchLayout(specs, tree));
  return new Map(
    names.map(([path, tensor]) => [
      path.replace(/^(lin\d)\./, '$1.model.1.').replace(/^slice/, 'net.slice'),
      tensor,
    ]),
  );
}

beforeAll(async () => {
  await loadEngine();
  folder = await mkdtemp(join(tmpdir(), 'gnr-lpips-'));
  values = formulaLpips('vgg', specs);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function rejectionMessage(path: string): Promise<string> {
  const before = tf.memory().numTensors;
  const error = await loadLpipsFile(path).then(
    () => expect.unreachable('was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect(tf.memory().numTensors, 'nothing stays on the device').toBe(before);
  return (error as InputError).message;
}

describe('loadLpipsFile', () => {
  it('reads the state_dict of the package, and rejects it when it is cut off', async () => {
    const path = join(folder, 'vgg.safetensors');
    // The package's file has entries that LPIPS does not compute with.
    await writeSafetensors(
      path,
      stateDict(values).set('scaling_layer.shift', { shape: [1], data: Float32Array.of(1) }),
    );
    const before = tf.memory().numTensors;
    const { lpips, params, dispose } = await loadLpipsFile(path);
    expect(Object.keys(params).sort()).toEqual(Object.keys(specs).sort());
    for (const [name, tensor] of Object.entries(params)) {
      expect(tensor.shape).toEqual(specs[name]!.shape);
      expect(Buffer.from(tensor.dataSync().buffer).equals(Buffer.from(values[name]!.buffer)), name).toBe(
        true,
      );
    }
    tf.tidy(() => {
      const [a, b] = [randomTensor(1, [2, 32, 32, 3], 0, 0.5), randomTensor(2, [2, 32, 32, 3], 0, 0.5)];
      const distances = (x: tf.Tensor, y: tf.Tensor): number[] =>
        valuesOf(lpips.distance(params, lpips.features(params, x), lpips.features(params, y)));
      expect(distances(a, a)).toEqual([0, 0]);
      for (const distance of distances(a, b)) expect(distance).toBeGreaterThan(0.01);
    });
    dispose();
    expect(tf.memory().numTensors).toBe(before);

    await truncate(path, 1_000_000);
    expect(await rejectionMessage(path)).toContain(path);
  });

  it('names a missing file, and the ways to get the weights', async () => {
    const path = join(folder, 'nowhere.safetensors');
    const message = await rejectionMessage(path);
    expect(message).toContain(`a safetensors file at ${path} but found nothing`);
    expect(message).toMatch(/gnr weights fetch vgg16 lpips-vgg .*losses\.lpips\.weights=cache/);
  });

  it('names the first tensor that is missing or of another network', async () => {
    const path = join(folder, 'other.safetensors');
    const tensors = stateDict({ ...values });
    const first = tensors.get('net.slice1.0.weight')!;
    await writeSafetensors(path, new Map([['net.slice1.0.weight', first]]));
    expect(await rejectionMessage(path)).toMatch(
      /LPIPS\(net='vgg'\).*other\.safetensors.*'slice1\.0\.bias' is missing/,
    );
    // AlexNet's first filters.
    const alex = { shape: [64, 3, 11, 11], data: new Float32Array(64 * 3 * 121) };
    await writeSafetensors(path, new Map([['net.slice1.0.weight', alex]]));
    expect(await rejectionMessage(path)).toMatch(
      /'slice1\.0\.weight' is \[64,3,11,11\], expected \[64,3,3,3\]/,
    );
  });
});

describe.each(['vgg', 'alex'] as const)('loadLpips %s', (net) => {
  const trunk = net === 'vgg' ? 'vgg16' : 'alexnet';
  it('joins the trunk and the linear layers of the cache, and names their sources', async () => {
    const env = await formulaCache(trunk, `lpips-${net}`);
    const expected = formulaLpips(net, buildLpips(net).specs);
    const before = tf.memory().numTensors;
    const { params, sources, dispose } = await loadLpips(net, env);
    expect(Object.keys(params).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, tensor] of Object.entries(params))
      expect(Buffer.from(tensor.dataSync().buffer).equals(Buffer.from(expected[name]!.buffer)), name).toBe(
        true,
      );
    expect(sources).toEqual(
      [trunk, `lpips-${net}`].map((name) => ({
        name,
        verified: false,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      })),
    );
    dispose();
    expect(tf.memory().numTensors).toBe(before);
    const onHost = await lpipsValues(net, env);
    for (const [name, value] of Object.entries(expected))
      expect(Buffer.from(onHost.values[name]!.buffer).equals(Buffer.from(value.buffer)), name).toBe(true);
    expect(onHost.sources).toEqual(sources);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('loadPerceptual', () => {
  afterEach(() => vi.unstubAllEnvs());
  const load = (weight: number, weights: string | null) =>
    loadPerceptual(resolveConfig({ losses: { lpips: { weight, weights } } }));

  it('loads nothing without the loss term, else from the cache or a file', async () => {
    expect(await load(0, null)).toBeUndefined();
    expect(await load(0, 'cache')).toBeUndefined();
    vi.stubEnv('GNR_CACHE_DIR', (await formulaCache('vgg16', 'lpips-vgg')).GNR_CACHE_DIR);
    const fromCache = await load(1, 'cache');
    expect(fromCache?.sources.map(({ name }) => name)).toEqual(['vgg16', 'lpips-vgg']);
    fromCache?.dispose();
    const path = join(folder, 'again.safetensors');
    await writeSafetensors(path, stateDict(values));
    const fromFile = await load(1, path);
    expect(fromFile?.sources).toEqual([]);
    fromFile?.dispose();
  });

  it('names weights that are missing in the cache, with the remedy', async () => {
    vi.stubEnv('GNR_CACHE_DIR', join(folder, 'empty'));
    const before = tf.memory().numTensors;
    await expect(load(1, 'cache')).rejects.toThrow(
      /the weights vgg16 at .*empty.weights.vgg16\.safetensors but found none; run gnr weights fetch vgg16, or gnr weights import FILE/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});
