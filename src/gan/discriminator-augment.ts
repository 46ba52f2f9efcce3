import type { Tensor } from '@tensorflow/tfjs-core';
import { colourMatrix, drawColour } from '../augment/adaptive/colour.js';
import { drawGeometry, samplingMatrix } from '../augment/adaptive/geometry.js';
import { recolour, warpPictures } from '../augment/adaptive/operations.js';
import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { rows } from '../ops/shape.js';

/**
 * The sets of pictures that a step shows to the image discriminators, in the order in which their transforms are drawn:
 * real and made ones to the discriminators' own loss, then made ones to that of the generators.
 */
const DISCRIMINATOR_INPUTS = ['realA', 'fakeA', 'realB', 'fakeB', 'generatedA', 'generatedB'] as const;
type DiscriminatorInput = (typeof DISCRIMINATOR_INPUTS)[number];

/** Probability of every transform of the pictures of each domain, from 0 to 1. */
export interface AugmentProbabilities {
  A: number;
  B: number;
}

/** Transforms of all judged pictures of a step; absent where pictures are judged as they are. */
export interface AdaTransforms {
  /** `[sets * n, 6]`, as `warpPictures` takes them. */
  warps?: Tensor;
  /** `[sets * n, 3, 4]`, as `recolour` takes them. */
  colours?: Tensor;
}

/** Shapes of a step's transforms; only those that the config asks for. */
export function transformShapes({ training }: Config): { [Name in keyof AdaTransforms]: number[] } {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  const count = DISCRIMINATOR_INPUTS.length * training.batch;
  return {
    ...(enabled && (blit || geometry) && { warps: [count, 6] }),
    ...(enabled && colour && { colours: [count, 3, 4] }),
  };
}

/** The transforms of a step, counted from 0: they follow from seed, step and probabilities. */
export function drawTransforms(
  { model, training }: Config,
  step: number,
  probabilities: AugmentProbabilities,
): { [Name in keyof AdaTransforms]: Float32Array } {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  if (!enabled) return {};
  // A generator of its own: all else that a step draws is the same with and without transforms.
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
 * Pictures `[k * n, size, size, 3]` as a discriminator sees them.
 *
 * @param first the set of the first n pictures; the others are of those that come after it.
 */
export function augmentForDiscriminator(
  images: Tensor,
  { warps, colours }: AdaTransforms,
  first: DiscriminatorInput,
): Tensor {
  const count = images.shape[0]!;
  const of = (transforms: Tensor): Tensor => {
    const batch = transforms.shape[0]! / DISCRIMINATOR_INPUTS.length;
    return rows(transforms, DISCRIMINATOR_INPUTS.indexOf(first) * batch, count);
  };
  const warped = warps === undefined ? images : warpPictures(images, of(warps));
  return colours === undefined ? warped : recolour(warped, of(colours));
}
