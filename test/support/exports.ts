// Models and images for tests of exports.
import { Rng } from '../../src/base/rng.js';
import type { Architecture } from '../../src/model/architecture.js';
import { buildGenerator } from '../../src/model/generator.js';
import type { NetworkValues } from '../../src/model/parameters.js';
import { configOf, ReferenceRun } from './reference.js';

/** A model in the form that exports take. */
export interface TestModel {
  architecture: Architecture;
  values: NetworkValues;
}

/** The averaged (EMA) generators of a reference run after a few training steps. */
export function referenceModel(variant: 'main' | 'train'): TestModel {
  const run = new ReferenceRun(variant);
  const { model } = configOf(run.config);
  const { specs } = buildGenerator(model);
  const values = {
    G_A2B: run.parameters('final/G_A2B_ema', specs),
    G_B2A: run.parameters('final/G_B2A_ema', specs),
  };
  return { architecture: model, values };
}

/** Noise images in [-1, 1], `[count, size, size, 3]`. */
export function noiseImages(count: number, size: number, seed = 1): Float32Array {
  const rng = new Rng(seed, 'noise pictures');
  return rng.normals(count * size * size * 3).map((value) => Math.max(-1, Math.min(1, value / 2)));
}

/** Converts `[n, h, w, c]` to `[n, c, h, w]`. */
export function toNchw(
  data: Float32Array,
  [n, h, w, c]: readonly [number, number, number, number],
): Float32Array {
  const out = new Float32Array(data.length);
  for (let image = 0; image < n; image++)
    for (let pixel = 0; pixel < h * w; pixel++)
      for (let channel = 0; channel < c; channel++)
        out[(image * c + channel) * h * w + pixel] = data[(image * h * w + pixel) * c + channel]!;
  return out;
}
