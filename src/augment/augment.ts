// The random augmentation of training images (the reference's train.py, `aug`): what changes content and keeps style.

import type { Rng } from '../base/rng.js';
import type { AugmentConfig } from '../config/schema.js';
import {
  type AffineMatrix,
  affineMatrix,
  type Border,
  composeAffine,
  type ResizeWindow,
  warpResized,
} from './warp.js';

/** The augmentation that was drawn for one image. */
export interface Augmentation {
  /** Absent if the image is not warped. */
  matrix?: AffineMatrix;
  border: Border;
  window: ResizeWindow;
}

/**
 * Draws an augmentation as the reference's pipeline does (train.py, `aug`): an affine warp with probability one half (by
 * default); then enlarge, crop back at a random place, and mirror with probability one half. Always uses the same number of
 * random words.
 */
export function drawAugmentation(config: AugmentConfig, size: number, rng: Rng): Augmentation {
  const symmetric = (limit: number): number => rng.uniform(-limit, limit);
  const warped = rng.uniform() < config.probability;
  const parameters = {
    rotationDegrees: symmetric(config.rotationDegrees),
    scale: rng.uniform(config.scale[0], config.scale[1]),
    translation: [symmetric(config.translation * size), symmetric(config.translation * size)],
    shearDegrees: [symmetric(config.shearDegrees), 0],
  } as const;
  const resized = Math.max(size, Math.round(size * config.resizeRatio));
  const window = {
    resized,
    left: rng.integer(resized - size + 1),
    top: rng.integer(resized - size + 1),
    size,
    flip: rng.uniform() < config.flipProbability,
  };
  const { border } = config;
  return warped ? { matrix: affineMatrix(parameters, size), border, window } : { border, window };
}

/** Where an augmentation shows each pixel of an image: the map from a pixel of the image to its place in the result, px. */
export function augmentedPlaces({ matrix, window }: Augmentation, size: number): AffineMatrix {
  const { resized, left, top, flip } = window;
  // Pixels are counted at their centres, so a resized one is at ratio * (p + 0.5) - 0.5.
  const ratio = resized / size;
  const offset = (ratio - 1) / 2;
  const shown: AffineMatrix = flip
    ? [-ratio, 0, window.size - 1 - (offset - left), 0, ratio, offset - top]
    : [ratio, 0, offset - left, 0, ratio, offset - top];
  return matrix ? composeAffine(shown, matrix) : shown;
}

/** Applies an augmentation to an image `[size, size, 3]` and writes the result, of the same size, to `out` from `offset`. */
export function applyAugmentation(
  image: Float32Array,
  size: number,
  augmentation: Augmentation,
  out: Float32Array,
  offset: number,
): void {
  warpResized(image, size, augmentation, augmentation.window, out, offset);
}
