// Draws all random inputs of a step except the adaptive transforms, which depend on the previous step.
import { type Augmentation, drawAugmentation } from '../../augment/augment.js';
import { Rng } from '../../base/rng.js';
import type { Config } from '../../config/schema.js';
import type { HostBatch } from '../trainer.js';
import type { DomainTask } from './domain-images.js';

/** The draws for the images of one domain. */
export type DomainDraws = Pick<DomainTask, 'mixed' | 'index' | 'same'>;

/** The draws for a step. */
export interface StepDraws
  extends Pick<HostBatch, 'drawnA2B' | 'drawnB2A' | 'pickA2B' | 'pickB2A' | 'orderA' | 'orderB'> {
  A: DomainDraws;
  B: DomainDraws;
}

/** Draws for a step counted from 0: the result depends only on config, seed and step. */
export function drawStep({ data, model, training }: Config, step: number): StepDraws {
  const { batch, seed } = training;
  const rng = new Rng(seed, 'step').fork(String(step));
  const augmentations = (): Augmentation[] =>
    Array.from({ length: batch }, () => drawAugmentation(data.augment, model.size, rng));
  // Properties are drawn in this order: another order would change the run.
  const domain = (): DomainDraws => ({
    mixed: augmentations(),
    index: rng.integer(batch),
    same: augmentations(),
  });
  return {
    A: domain(),
    B: domain(),
    drawnA2B: rng.normals(batch * model.latentDim),
    drawnB2A: rng.normals(batch * model.latentDim),
    pickA2B: rng.permutation(2 * batch).slice(0, batch),
    pickB2A: rng.permutation(2 * batch).slice(0, batch),
    orderA: rng.permutation(batch),
    orderB: rng.permutation(batch),
  };
}
