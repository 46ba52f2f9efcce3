// Adaptive discriminator augmentation (ADA; Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data"):
// draws the transforms of a step and applies them to every image that an image discriminator sees. The reference has none.

import type { Tensor } from '@tensorflow/tfjs-core';
import { colourMatrix, drawColour } from '../augment/adaptive/colour.js';
import { drawGeometry, samplingMatrix } from '../augment/adaptive/geometry.js';
import { recolour, warpImages } from '../augment/adaptive/operations.js';
import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { rows } from '../ops/shape.js';

/**
 * The sets of images that a step shows to the image discriminators, in the order in which their transforms are drawn:
 * real images and translations for the discriminators' own loss, then translations for the generators' loss.
 */
const DISCRIMINATOR_INPUTS = ['realA', 'fakeA', 'realB', 'fakeB', 'generatedA', 'generatedB'] as const;
type DiscriminatorInput = (typeof DISCRIMINATOR_INPUTS)[number];

/** Probability of every transform of the images of each domain, from 0 to 1. */
export interface AugmentProbabilities {
  A: number;
  B: number;
}

/** The transforms of all images that the discriminators see in a step; absent if the config turns them off. */
export interface AdaTransforms {
  /** `[sets * n, 6]`, as `warpImages` takes them. */
  warps?: Tensor;
  /** `[sets * n, 3, 4]`, as `recolour` takes them. */
  colours?: Tensor;
}

/** Shapes of a step's transforms; only of those that the config asks for. */
export function transformShapes({ training }: Config): { [Name in keyof AdaTransforms]: number[] } {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  const count = DISCRIMINATOR_INPUTS.length * training.batch;
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
): { [Name in keyof AdaTransforms]: Float32Array } {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  if (!enabled) return {};
  // A random stream of its own, so that everything else that a step draws is the same with and without transforms.
  const rng = new Rng(training.seed, 'adaptive-augment').fork(String(step));
  const warps: number[] = [];
  const colours: number[] = [];
  for (const set of DISCRIMINATOR_INPUTS) {
    const p = probabilities[set.endsWith('A') ? 'A' : 'B'];
    const strength = { blit: blit ? p : 0, geometry: geometry ? p : 0 };
    for (let i = 0; i < training.batch; i++) {
      warps.push(...samplingMatrix(drawGeometry(strength, model.size, rng), model.size));
      colours.push(...colourMatrix(drawColour(p, rng)).flat());
    }
  }
  return {
    ...((blit || geometry) && { warps: Float32Array.from(warps) }),
    ...(colour && { colours: Float32Array.from(colours) }),
  };
}

/**
 * Transforms images `[k * n, size, size, 3]`, k consecutive sets of n, before a discriminator sees them.
 *
 * @param firstSet the set that the first n images belong to.
 */
export function augmentForDiscriminator(
  images: Tensor,
  { warps, colours }: AdaTransforms,
  firstSet: DiscriminatorInput,
): Tensor {
  const count = images.shape[0]!;
  const ofTheseSets = (transforms: Tensor): Tensor => {
    const batch = transforms.shape[0]! / DISCRIMINATOR_INPUTS.length;
    return rows(transforms, DISCRIMINATOR_INPUTS.indexOf(firstSet) * batch, count);
  };
  const warped = warps === undefined ? images : warpImages(images, ofTheseSets(warps));
  return colours === undefined ? warped : recolour(warped, ofTheseSets(colours));
}
