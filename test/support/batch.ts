// Inputs of a training step made of noise.
import { Rng } from '../../src/base/rng.js';
import type { Config } from '../../src/config/schema.js';
import { drawTransforms } from '../../src/gan/discriminator-augment.js';
import type { HostBatch } from '../../src/train/trainer.js';

/** A step's inputs from a seed: noise images in [-1, 1], random styles, orders and (if enabled) transforms. */
export function noiseBatch(config: Config, seed: number): HostBatch {
  const { model, training } = config;
  const { initial } = training.adaptiveAugment;
  const rng = new Rng(seed, 'batch');
  const { batch } = training;
  const images = (): Float32Array =>
    Float32Array.from({ length: batch * model.size ** 2 * 3 }, () => rng.uniform(-1, 1));
  const styles = (): Float32Array => rng.normals(batch * model.latentDim);
  return {
    sameA: images(),
    sameB: images(),
    mixedA: images(),
    mixedB: images(),
    drawnA2B: styles(),
    drawnB2A: styles(),
    pickA2B: rng.permutation(2 * batch).slice(0, batch),
    pickB2A: rng.permutation(2 * batch).slice(0, batch),
    orderA: rng.permutation(batch),
    orderB: rng.permutation(batch),
    ...drawTransforms(config, seed, { A: initial, B: initial }),
  };
}
