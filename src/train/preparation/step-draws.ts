// Draws all random inputs of a step except the adaptive transforms, which depend on the previous step.
import { type Augmentation, drawAugmentation } from '../../augment/augment.js';
import { ofRank, Rng } from '../../base/rng.js';
import type { Config } from '../../config/schema.js';
import { WHOLE } from '../../data/sampler.js';
import { type DrawnInputs, drawInputs } from '../../gan/batch.js';
import { type Both, bothDomains } from '../../gan/domains.js';
import { type Alignment, alignmentInputs } from '../../gan/pairs.js';
import type { DomainTask } from './domain-images.js';

/** Whether all ranks warp the same image, because their warps are compared with each other. */
export function sharesImage({ distributed }: Config, size: number): boolean {
  return distributed.globalStatistics && size > 1;
}

/** The draws for the images of one domain. */
export type DomainDraws = Pick<DomainTask, 'mixed' | 'index' | 'same'>;

/** The draws for a step. */
export interface StepDraws {
  images: Both<DomainDraws>;
  inputs: Both<DrawnInputs & Partial<Alignment<Float32Array>>>;
}

/**
 * Draws for a step counted from 0: the result depends only on config, seed, step and rank. With `distributed.globalStatistics`,
 * several ranks warp one image: the one that their loaders add at the end.
 */
export function drawStep(config: Config, step: number, { rank, size } = WHOLE): StepDraws {
  const { data, model, training } = config;
  const { batch, seed } = training;
  const rng = ofRank(new Rng(seed, 'step').fork(String(step)), rank);
  const isShared = sharesImage(config, size);
  const augmentations = (): Augmentation[] =>
    Array.from({ length: batch }, () => drawAugmentation(data.augment, model.size, rng));
  // Properties are drawn in this order: another order would change the run.
  const images = bothDomains(
    (): DomainDraws => ({
      mixed: augmentations(),
      index: isShared ? batch : rng.integer(batch),
      same: augmentations(),
    }),
  );
  const drawn = drawInputs(config, rng);
  const inputs = bothDomains((domain) => ({
    ...drawn[domain],
    ...alignmentInputs(config, images[domain].same),
  }));
  return { images, inputs };
}
