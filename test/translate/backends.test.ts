import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { kernels, useKernels } from '../../src/runtime/kernels.js';
import { loadEngine } from '../../src/runtime/node.js';
import { portableKernels } from '../../src/runtime/portable-kernels.js';
import { EagerTranslator } from '../../src/translate/eager-translator.js';
import { readModel, type StoredModel } from '../../src/translate/model.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import { drawStyles, type Translator } from '../../src/translate/translator.js';
import { tinyConfig } from '../support/config.js';

/** A thousandth of the range [-1, 1]. */
const TOLERANCE = 2e-3;
const COUNT = 2;

let native: ReturnType<typeof kernels>;

beforeAll(async () => {
  await loadEngine();
  native = kernels();
});

afterEach(async () => {
  await tf.setBackend('tensorflow');
  useKernels(native);
});

async function sampleModel(): Promise<Pick<StoredModel, 'architecture' | 'values'>> {
  return readModel('models/sample');
}

async function tinyModel(): Promise<Pick<StoredModel, 'architecture' | 'values'>> {
  const config = tinyConfig();
  const { G_A2B, G_B2A } = initNetworks(buildNetworks(config), new Rng(1, 'init'));
  return { architecture: config.model, values: { G_A2B: G_A2B!, G_B2A: G_B2A! } };
}

function expectNear(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  const differences = actual.map((value, i) => Math.abs(value - expected[i]!));
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
}

it.each([
  ['wasm', 'the sample model', sampleModel],
  // The plain backend takes seconds for an image of the sample model.
  ['cpu', 'a tiny model', tinyModel],
])('the backend %s gives the images and styles of the native engine, for %s', async (backend, _, load) => {
  const { architecture, values } = await load();
  const rng = new Rng(3, 'backends');
  const images = Float32Array.from({ length: COUNT * architecture.size ** 2 * 3 }, () => rng.uniform(-1, 1));
  const styles = drawStyles(rng, COUNT, architecture.latentDim);
  const translated = (translator: Translator) =>
    (['A2B', 'B2A'] as const).map((direction) => ({
      image: translator.translate(direction, images, styles),
      style: translator.styleOf(direction, images),
    }));
  const engine = openTranslator(architecture, values);
  const expected = translated(engine);
  engine.dispose();

  useKernels(portableKernels);
  expect(await tf.setBackend(backend)).toBe(true);
  const translator = EagerTranslator.fromValues(architecture, values);
  const actual = translated(translator);
  for (const [i, { image, style }] of actual.entries()) {
    expectNear(image, expected[i]!.image);
    expectNear(style, expected[i]!.style);
  }
  const shared = tf.memory().numTensors;
  const content = await translator.encodeAsync('A2B', images);
  expect(await translator.decodeAsync(content, styles)).toEqual(actual[0]!.image);
  expect(await translator.styleOfAsync('A2B', images)).toEqual(actual[0]!.style);
  expect(tf.memory().numTensors).toBe(shared);
  translator.dispose();
  expect(tf.memory().numTensors).toBeLessThan(shared);
});
