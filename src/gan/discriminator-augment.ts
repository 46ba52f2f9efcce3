// Adaptive discriminator augmentation (ADA; Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data"):
// draws the transforms of a step and applies them to every image that an image discriminator sees. The reference has none.

import type { Tensor } from '@tensorflow/tfjs-core';
import { colourMatrix, drawColour } from '../augment/adaptive/colour.js';
import { drawGeometry, samplingMatrix } from '../augment/adaptive/geometry.js';
import { recolour, warpImages } from '../augment/adaptive/operations.js';
import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { rows } from '../ops/shape.js';
import { type Both, bothDomains } from './domains.js';

/**
 * The sets of images that a step shows to the image discriminator of a domain: real images and translations for the
 * discriminator's own loss, then translations for the generators' loss.
 */
const SETS = ['real', 'fake', 'generated'] as const;
type DiscriminatorSet = (typeof SETS)[number];

/** The order in which transforms are drawn: another order would change runs. */
const DRAWS = [
  { domain: 'A', sets: ['real', 'fake'] },
  { domain: 'B', sets: ['real', 'fake'] },
  { domain: 'A', sets: ['generated'] },
  { domain: 'B', sets: ['generated'] },
] as const;

/** Probability of every transform of the images of each domain, from 0 to 1. */
export type AugmentProbabilities = Both<number>;

/** The transforms of all images that the discriminator of a domain sees in a step; absent if the config turns them off. */
export interface AdaTransforms {
  /** `[3n, 6]`, as `warpImages` takes them. */
  warps?: Tensor;
  /** `[3n, 3, 4]`, as `recolour` takes them. */
  colours?: Tensor;
}

/** Shapes of the transforms of each domain in a step; only of those that the config asks for. */
export function transformShapes({ training }: Config): { [Name in keyof AdaTransforms]: number[] } {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  const count = SETS.length * training.batch;
  return {
    ...(enabled && (blit || geometry) && { warps: [count, 6] }),
    ...(enabled && colour && { colours: [count, 3, 4] }),
  };
}

/** Draws the transforms of a step, counted from 0; they depend on the seed, the step and the probabilities alone. */
export function drawTransforms(
  { model, training }: Config,
  step: number,
  probabilities: AugmentProbabilities,
): Both<{ [Name in keyof AdaTransforms]: Float32Array }> {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  if (!enabled) return bothDomains(() => ({}));
  // A random stream of its own, so that everything else that a step draws is the same with and without transforms.
  const rng = new Rng(training.seed, 'adaptive-augment').fork(String(step));
  const drawn = bothDomains(() => ({ warps: [] as number[], colours: [] as number[] }));
  for (const { domain, sets } of DRAWS) {
    const p = probabilities[domain];
    const { warps, colours } = drawn[domain];
    const strength = { blit: blit ? p : 0, geometry: geometry ? p : 0 };
    for (let i = 0; i < sets.length * training.batch; i++) {
      warps.push(...samplingMatrix(drawGeometry(strength, model.size, rng), model.size));
      colours.push(...colourMatrix(drawColour(p, rng)).flat());
    }
  }
  return bothDomains((domain) => ({
    ...((blit || geometry) && { warps: Float32Array.from(drawn[domain].warps) }),
    ...(colour && { colours: Float32Array.from(drawn[domain].colours) }),
  }));
}

/**
 * Transforms images `[k * n, size, size, 3]`, k consecutive sets of n, before a discriminator sees them.
 *
 * @param firstSet the set that the first n images belong to.
 */
export function augmentForDiscriminator(
  images: Tensor,
  { warps, colours }: AdaTransforms,
  firstSet: DiscriminatorSet,
): Tensor {
  const count = images.shape[0]!;
  const ofTheseSets = (transforms: Tensor): Tensor => {
    const batch = transforms.shape[0]! / SETS.length;
    return rows(transforms, SETS.indexOf(firstSet) * batch, count);
  };
  const warped = warps === undefined ? images : warpImages(images, ofTheseSets(warps));
  return colours === undefined ? warped : recolour(warped, ofTheseSets(colours));
}
