import { Rng } from '../../src/base/rng.js';
import type { Architecture } from '../../src/model/architecture.js';
import { buildGenerator } from '../../src/model/generator.js';
import type { NetworkValues } from '../../src/model/parameters.js';
import { configOf, ReferenceRun } from './reference.js';

/** A model as exports take it. */
export interface TestModel {
  architecture: Architecture;
  values: NetworkValues;
}

/** The averaged generators of a run of the reference, trained a few steps. */
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

/** Noise in [-1, 1] as pictures `[count, size, size, 3]`. */
export function noisePictures(count: number, size: number, seed = 1): Float32Array {
  const rng = new Rng(seed, 'noise pictures');
  return rng.normals(count * size * size * 3).map((value) => Math.max(-1, Math.min(1, value / 2)));
}

/** `[n, h, w, c]` as `[n, c, h, w]`. */
export function toNchw(
  data: Float32Array,
  [n, h, w, c]: readonly [number, number, number, number],
): Float32Array {
  const out = new Float32Array(data.length);
  for (let picture = 0; picture < n; picture++)
    for (let pixel = 0; pixel < h * w; pixel++)
      for (let channel = 0; channel < c; channel++)
        out[(picture * c + channel) * h * w + pixel] = data[(picture * h * w + pixel) * c + channel]!;
  return out;
}
