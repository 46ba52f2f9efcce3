// DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"): its distributions, and its
// transforms of image batches on the device.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../base/rng.js';
import { add, broadcastTo, mean, scaleBy, subtract } from '../ops/arithmetic.js';
import { kernels } from '../runtime/kernels.js';
import { type ColourMatrix, colourMatrix } from './adaptive/colour.js';
import { recolour, warpImages } from './adaptive/operations.js';
import type { AffineMatrix } from './warp.js';

/** The transforms of one image, in the order in which they apply. Lengths are px. */
export interface DiffAugmentation {
  /** Added to every channel, from -0.5 to 0.5; images run from -1 to 1. */
  brightness: number;
  /** Factor on the distance of every pixel from its own grey, from 0 to 2. */
  saturation: number;
  /** Factor on the distance of every value from the mean of the image, from 0.5 to 1.5. */
  contrast: number;
  /** Whole pixels to the right and down; what comes in is 0, which is grey. */
  shift: readonly [x: number, y: number];
  /** Centre of the square that is cut out, from 0 to `size` in both directions. */
  cutout: readonly [x: number, y: number];
}

/** Largest shift in either direction, as a fraction of the image. */
const SHIFT = 0.125;
/** Side of the square that is cut out, as a fraction of the image. */
const CUTOUT = 0.5;

/**
 * Draws the transforms of one image with the distributions of Zhao et al. 2020 as their released code has them
 * (DiffAugment_pytorch.py). Always uses the same number of random words.
 *
 * @param size side of the image, px, even.
 */
export function drawDiffAugmentation(size: number, rng: Rng): DiffAugmentation {
  const limit = Math.floor(size * SHIFT + 0.5);
  const shiftAlong = (): number => rng.integer(2 * limit + 1) - limit;
  const cutout = Math.floor(size * CUTOUT + 0.5);
  const centreAlong = (): number => rng.integer(size + 1 - (cutout % 2));
  return {
    brightness: rng.uniform(-0.5, 0.5),
    saturation: rng.uniform(0, 2),
    contrast: rng.uniform(0.5, 1.5),
    shift: [shiftAlong(), shiftAlong()],
    cutout: [centreAlong(), centreAlong()],
  };
}

/**
 * Brightness, saturation and contrast as one map of an image whose mean was subtracted, and is added again afterwards: the
 * mean of an image grows by the brightness, and saturation leaves it.
 */
export function toneMatrix({ brightness, saturation, contrast }: DiffAugmentation): ColourMatrix {
  const [red, green, blue] = colourMatrix({ brightness: 0, contrast, lumaFlip: false, hue: 0, saturation });
  const withOffset = ([r, g, b]: ColourMatrix[number]) => [r, g, b, brightness] as const;
  return [withOffset(red), withOffset(green), withOffset(blue)];
}

/** The map from a pixel of the shifted image to the one that it shows. */
export function shiftMatrix({ shift: [x, y] }: DiffAugmentation): AffineMatrix {
  return [1, 0, -x, 0, 1, -y];
}

/** 1 for each position from `from` to `to - 1`, 0 for the others. */
const span = (size: number, from: number, to: number): number[] =>
  Array.from({ length: size }, (_, i) => (i >= from && i < to ? 1 : 0));

/** The rows, and then the columns, in which the shifted image has pixels of the original: `[2, size]`, 1 there and else 0. */
export function shiftFrame({ shift: [x, y] }: DiffAugmentation, size: number): number[] {
  return [...span(size, y, size + y), ...span(size, x, size + x)];
}

/** The rows, and then the columns, that the cutout covers: `[2, size]`, 1 there and else 0. */
export function cutoutSpans({ cutout: [x, y] }: DiffAugmentation, size: number): number[] {
  const side = Math.floor(size * CUTOUT + 0.5);
  const along = (centre: number): number[] => {
    const from = centre - Math.floor(side / 2);
    return span(size, from, from + side);
  };
  return [...along(y), ...along(x)];
}

/** Splits `[n, 2, size]` into factors of rows, `[n, size, 1, 1]`, and of columns, `[n, 1, size, 1]`. */
function rowsAndColumns(spans: Tensor): [Tensor, Tensor] {
  const k = kernels();
  const [count, , size] = spans.shape as [number, number, number];
  const axis = (i: number, shape: number[]): Tensor =>
    k.reshape(k.slice(spans, [0, i, 0], [count, 1, size]), shape);
  return [axis(0, [count, size, 1, 1]), axis(1, [count, 1, size, 1])];
}

/**
 * Changes brightness, saturation and contrast of images `[n, size, size, 3]`, each with its own map. Differentiable in the
 * images, to any order, like all transforms here.
 *
 * @param matrices `[n, 3, 4]` (`toneMatrix`); constant to all tapes.
 */
export function adjustTones(images: Tensor, matrices: Tensor): Tensor {
  const means = broadcastTo(mean(images, [1, 2, 3]), images.shape);
  return add(recolour(subtract(images, means), matrices), means);
}

/**
 * Shifts images `[n, size, size, 3]` by whole pixels and fills with 0.
 *
 * @param matrices `[n, 6]` (`shiftMatrix`), and @param frames `[n, 2, size]` (`shiftFrame`); constant to all tapes.
 */
export function shiftImages(images: Tensor, matrices: Tensor, frames: Tensor): Tensor {
  const [byRow, byColumn] = rowsAndColumns(frames);
  return scaleBy(scaleBy(warpImages(images, matrices), byRow), byColumn);
}

/** Sets a square of every image `[n, size, size, 3]` to 0. @param spans `[n, 2, size]` (`cutoutSpans`); constant to all tapes. */
export function cutOut(images: Tensor, spans: Tensor): Tensor {
  const [byRow, byColumn] = rowsAndColumns(spans);
  return scaleBy(images, kernels().affine(kernels().multiply(byRow, byColumn), -1, 1));
}
