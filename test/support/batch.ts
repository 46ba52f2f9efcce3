// Inputs of a training step made of noise.
import { Rng } from '../../src/base/rng.js';
import type { Config } from '../../src/config/schema.js';
import { drawInputs, type HostBatch } from '../../src/gan/batch.js';
import { drawTransforms } from '../../src/gan/discriminator-augment.js';
import { bothDomains } from '../../src/gan/domains.js';
import { anchorInputs } from '../../src/gan/lecam-anchors.js';

/** A step's inputs from a seed: noise images in [-1, 1], random styles, orders and (if enabled) transforms. */
export function noiseBatch(config: Config, seed: number): HostBatch {
  const { model, training } = config;
  const { initial } = training.adaptiveAugment;
  const rng = new Rng(seed, 'batch');
  const { batch } = training;
  const images = (): Float32Array =>
    Float32Array.from({ length: batch * model.size ** 2 * 3 }, () => rng.uniform(-1, 1));
  const same = bothDomains(images);
  const mixed = bothDomains(images);
  const inputs = drawInputs(config, rng);
  const transforms = drawTransforms(config, seed, { A: initial, B: initial });
  const anchors = anchorInputs(config);
  return bothDomains((domain) => ({
    same: same[domain],
    mixed: mixed[domain],
    ...inputs[domain],
    ...transforms[domain],
    ...anchors[domain],
  }));
}
