// Pairs of the warps of one image in a batch: what one shows, the other shows in another place.

import type { Tensor } from '@tensorflow/tfjs-core';
import { warpImages } from '../augment/adaptive/operations.js';
import { type Augmentation, augmentedPlaces } from '../augment/augment.js';
import { composeAffine, invertAffine } from '../augment/warp.js';
import type { Config } from '../config/schema.js';
import { chosenLosses } from '../losses/chosen.js';
import { concat, rows } from '../ops/shape.js';

/** How the images of a batch are moved onto their partners. */
export interface Alignment<T = Tensor> {
  /** From a pixel of each image to the place in its partner that shows the same, px: `[n, 6]`, as `warpImages` takes them. */
  places: T;
  /** 1 where that place is within the partner, else 0; all 0 for the last of an odd number, which has none: `[n, size, size, 1]`. */
  overlap: T;
}

/**
 * The partner of a row of a batch. Neighbours are partners, and the last of an odd number takes the first as its partner:
 * then the pairs of several ranks with even batches are those of one with all images.
 */
function partnerOf(row: number, count: number): number {
  return (row ^ 1) < count ? row ^ 1 : 0;
}

/** Each row's partner in its place, `[n, ...]`. */
export function partners(x: Tensor): Tensor {
  const count = x.shape[0]!;
  return concat(
    Array.from({ length: count }, (_, row) => rows(x, partnerOf(row, count), 1)),
    0,
  );
}

/** Shapes of a domain's alignment in a step; empty if no loss of the config needs it. */
export function alignmentShapes({ model, training, losses }: Config): Partial<Alignment<number[]>> {
  if (!chosenLosses(losses).some(({ inputs }) => inputs.includes('realigned'))) return {};
  const { batch } = training;
  return { places: [batch, 6], overlap: [batch, model.size, model.size, 1] };
}

/** The alignment of one image's augmentations, if a loss of the config needs it. */
export function alignmentInputs(
  config: Config,
  augmentations: readonly Augmentation[],
): Partial<Alignment<Float32Array>> {
  if (alignmentShapes(config).places === undefined) return {};
  const { size } = config.model;
  const count = augmentations.length;
  const shown = augmentations.map((augmentation) => augmentedPlaces(augmentation, size));
  const places = shown.map((place, row) => composeAffine(shown[partnerOf(row, count)]!, invertAffine(place)));
  const overlap = new Float32Array(count * size * size);
  const last = size - 1;
  for (const [row, [a, b, c, d, e, f]] of places.entries()) {
    if (partnerOf(partnerOf(row, count), count) !== row) continue;
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const [u, v] = [a * x + b * y + c, d * x + e * y + f];
        if (u >= 0 && v >= 0 && u <= last && v <= last) overlap[(row * size + y) * size + x] = 1;
      }
  }
  return { places: Float32Array.from(places.flat()), overlap };
}

/** Moves each row's partner onto it: what both show is then in one place. Images `[n, size, size, channels]`. */
export function realign(images: Tensor, places: Tensor): Tensor {
  return warpImages(partners(images), places);
}
