// Augmentation for the discriminators: adaptive (ADA; Karras et al. 2020, "Training Generative Adversarial Networks with Limited
// Data") and DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"). Draws the transforms
// of a step and applies them to every image that an image discriminator sees. The reference has none.

import type { Tensor } from '@tensorflow/tfjs-core';
import { colourMatrix, drawColour } from '../augment/adaptive/colour.js';
import { drawGeometry, samplingMatrix } from '../augment/adaptive/geometry.js';
import { recolour, warpImages } from '../augment/adaptive/operations.js';
import {
  adjustTones,
  cutOut,
  cutoutSpans,
  drawDiffAugmentation,
  shiftFrame,
  shiftImages,
  shiftMatrix,
  toneMatrix,
} from '../augment/diff-augment.js';
import { ofRank, Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { rows } from '../ops/shape.js';
import { type Both, bothDomains } from './domains.js';

/**
 * The sets of images that a step shows to the image discriminator of a domain: real images and translations for the
 * discriminator's own loss, then translations for the generators' loss (whose relativistic form sees `real` again).
 */
const SETS = ['real', 'fake', 'generated'] as const;
export type DiscriminatorSet = (typeof SETS)[number];

/** The order in which adaptive transforms are drawn: another order would change runs. */
const DRAWS = [
  { domain: 'A', sets: ['real', 'fake'] },
  { domain: 'B', sets: ['real', 'fake'] },
  { domain: 'A', sets: ['generated'] },
  { domain: 'B', sets: ['generated'] },
] as const;

/** Probability of every adaptive transform of the images of each domain, from 0 to 1. */
export type AugmentProbabilities = Both<number>;

/** Adaptive transforms of all images that the discriminator of a domain sees in a step; absent if the config turns them off. */
interface AdaTransforms<T> {
  /** `[3n, 6]`, as `warpImages` takes them. */
  warps?: T;
  /** `[3n, 3, 4]`, as `recolour` takes them. */
  colours?: T;
}

/** The same of DiffAugment. */
interface DiffTransforms<T> {
  /** `[3n, 3, 4]`, as `adjustTones` takes them. */
  tones?: T;
  /** `[3n, 6]`, and `frames` `[3n, 2, size]`, as `shiftImages` takes them. */
  shifts?: T;
  frames?: T;
  /** `[3n, 2, size]`, as `cutOut` takes them. */
  cutouts?: T;
}

/** The transforms of all images that the discriminator of a domain sees in a step; absent if the config turns them off. */
export type ImageTransforms<T = Tensor> = AdaTransforms<T> & DiffTransforms<T>;

/** Shapes of the transforms of each domain in a step; only of those that the config asks for. */
export function transformShapes({ model, training }: Config): ImageTransforms<number[]> {
  const { adaptiveAugment: ada, diffAugment: diff } = training;
  const count = SETS.length * training.batch;
  const spans = [count, 2, model.size];
  return {
    ...(ada.enabled && (ada.blit || ada.geometry) && { warps: [count, 6] }),
    ...(ada.enabled && ada.colour && { colours: [count, 3, 4] }),
    ...(diff.enabled && diff.colour && { tones: [count, 3, 4] }),
    ...(diff.enabled && diff.translation && { shifts: [count, 6], frames: spans }),
    ...(diff.enabled && diff.cutout && { cutouts: spans }),
  };
}

/** Draws the transforms of a step, counted from 0; they depend on the seed, the step, the probabilities and the rank alone. */
export function drawTransforms(
  config: Config,
  step: number,
  probabilities: AugmentProbabilities,
  rank = 0,
): Both<ImageTransforms<Float32Array>> {
  const adaptive = drawAdaptive(config, step, probabilities, rank);
  const diff = drawDiff(config, step, rank);
  return bothDomains((domain) => ({ ...adaptive[domain], ...diff[domain] }));
}

function drawAdaptive(
  { model, training }: Config,
  step: number,
  probabilities: AugmentProbabilities,
  rank: number,
): Both<AdaTransforms<Float32Array>> {
  const { enabled, blit, geometry, colour } = training.adaptiveAugment;
  if (!enabled) return bothDomains(() => ({}));
  // A random stream of its own, so that everything else that a step draws is the same with and without transforms.
  const rng = ofRank(new Rng(training.seed, 'adaptive-augment').fork(String(step)), rank);
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

function drawDiff(
  { model, training }: Config,
  step: number,
  rank: number,
): Both<DiffTransforms<Float32Array>> {
  const { enabled, colour, translation, cutout } = training.diffAugment;
  if (!enabled) return bothDomains(() => ({}));
  // A stream of its own, as above.
  const rng = ofRank(new Rng(training.seed, 'diff-augment').fork(String(step)), rank);
  const { size } = model;
  return bothDomains(() => {
    const drawn = Array.from({ length: SETS.length * training.batch }, () => drawDiffAugmentation(size, rng));
    return {
      ...(colour && { tones: Float32Array.from(drawn.flatMap((one) => toneMatrix(one).flat())) }),
      ...(translation && {
        shifts: Float32Array.from(drawn.flatMap(shiftMatrix)),
        frames: Float32Array.from(drawn.flatMap((one) => shiftFrame(one, size))),
      }),
      ...(cutout && { cutouts: Float32Array.from(drawn.flatMap((one) => cutoutSpans(one, size))) }),
    };
  });
}

/**
 * Transforms images `[k * n, size, size, 3]`, k consecutive sets of n, before a discriminator sees them: adaptively, and then
 * as DiffAugment does.
 *
 * @param firstSet the set that the first n images belong to.
 */
export function augmentForDiscriminator(
  images: Tensor,
  { warps, colours, tones, shifts, frames, cutouts }: ImageTransforms,
  firstSet: DiscriminatorSet,
): Tensor {
  const count = images.shape[0]!;
  const ofTheseSets = (transforms: Tensor): Tensor => {
    const batch = transforms.shape[0]! / SETS.length;
    return rows(transforms, SETS.indexOf(firstSet) * batch, count);
  };
  let seen = images;
  if (warps !== undefined) seen = warpImages(seen, ofTheseSets(warps));
  if (colours !== undefined) seen = recolour(seen, ofTheseSets(colours));
  if (tones !== undefined) seen = adjustTones(seen, ofTheseSets(tones));
  if (shifts !== undefined && frames !== undefined)
    seen = shiftImages(seen, ofTheseSets(shifts), ofTheseSets(frames));
  if (cutouts !== undefined) seen = cutOut(seen, ofTheseSets(cutouts));
  return seen;
}
