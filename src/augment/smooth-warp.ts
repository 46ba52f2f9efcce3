// Smooth warps of images on the device: affine ones, bent by waves. What is in an image moves as a whole, and its parts a little
// against each other, as the features of a face do when it turns.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../base/rng.js';
import { kernels } from '../runtime/kernels.js';
import { samplingMatrix } from './adaptive/geometry.js';
import { affinePositions, sampleImages } from './adaptive/operations.js';
import type { AffineMatrix } from './warp.js';

/** A wave moves the pixels along its crests by different lengths in one direction. */
interface Wave {
  /** Largest shift, px. */
  shift: readonly [x: number, y: number];
  /** Cycles over the image along each axis. */
  cycles: readonly [x: number, y: number];
  /** Radians. */
  phase: number;
}

/** The warp of one image. */
export interface SmoothWarp {
  /** From a pixel of the result to the position that it samples, px, before the waves add their shifts. */
  matrix: AffineMatrix;
  waves: readonly Wave[];
}

/** Warps of n images, as `warpSmoothly` takes them. */
export interface SmoothWarps<T = Tensor> {
  /** `[n, 6]`. */
  smoothWarps: T;
  /** Waves as products of a factor along the columns and two along the rows, for shifts in x and y: `[n, 2 * waves, 3, size]`. */
  bends: T;
}

const MAX_ROTATION = Math.PI / 12;
/** Largest binary logarithm of the factor on the size. */
const MAX_SCALE = 0.25;
/** Largest shifts along each axis, as fractions of the image. */
const MAX_DRIFT = 0.1;
const MAX_WAVE_SHIFT = 0.02;
const MAX_CYCLES = 1;
const WAVES = 3;
/** A wave of the sum of two angles is a sum of two products. */
const TERMS_PER_WAVE = 2;
/** A factor along the columns, and one along the rows for each axis of the shift. */
const FACTORS = 3;

/**
 * Draws a warp. No part of an image folds over another: from pixel to pixel, the shifts of all waves change by at most 0.76
 * pixels, and the affine positions by at least 0.84. Always uses the same number of random words.
 *
 * @param size side of the image, px.
 */
export function drawSmoothWarp(size: number, rng: Rng): SmoothWarp {
  const symmetric = (limit: number): number => rng.uniform(-limit, limit);
  const pair = (limit: number): [number, number] => [symmetric(limit), symmetric(limit)];
  const matrix = samplingMatrix(
    {
      flip: rng.uniform() < 0.5,
      quarterTurns: 0,
      shift: [0, 0],
      scale: 2 ** symmetric(MAX_SCALE),
      rotationBefore: symmetric(MAX_ROTATION),
      stretch: 1,
      rotationAfter: 0,
      drift: pair(MAX_DRIFT * size),
    },
    size,
  );
  const waves = Array.from({ length: WAVES }, () => ({
    shift: pair(MAX_WAVE_SHIFT * size),
    cycles: pair(MAX_CYCLES),
    phase: symmetric(Math.PI),
  }));
  return { matrix, waves };
}

/** Shapes of the warps of a batch. */
export function smoothWarpShapes(count: number, size: number): SmoothWarps<number[]> {
  return { smoothWarps: [count, 6], bends: [count, TERMS_PER_WAVE * WAVES, FACTORS, size] };
}

/** The warps of a batch as arrays. */
export function smoothWarpArrays(warps: readonly SmoothWarp[], size: number): SmoothWarps<Float32Array> {
  const bends = warps.flatMap(({ waves }) => waves.flatMap((wave) => waveFactors(wave, size)).flat());
  return {
    smoothWarps: Float32Array.from(warps.flatMap(({ matrix }) => matrix)),
    bends: Float32Array.from(bends),
  };
}

/** `sin(a + b) = sin a cos b + cos a sin b`, where a depends on the column and b on the row. */
function waveFactors({ shift, cycles, phase }: Wave, size: number): number[][] {
  const along = (axis: 0 | 1, start: number, fn: (angle: number) => number, factor: number): number[] =>
    Array.from({ length: size }, (_, i) => factor * fn(start + (2 * Math.PI * cycles[axis] * i) / size));
  return [
    along(0, phase, Math.sin, 1),
    along(1, 0, Math.cos, shift[0]),
    along(1, 0, Math.cos, shift[1]),
    along(0, phase, Math.cos, 1),
    along(1, 0, Math.sin, shift[0]),
    along(1, 0, Math.sin, shift[1]),
  ];
}

/** The shifts that the waves add to each position, x and y of one image after the other: `[2n, size, size]`. */
function waveShifts(bends: Tensor): Tensor {
  const k = kernels();
  const [count, terms, , size] = bends.shape as [number, number, number, number];
  const products = Array.from({ length: terms }, (_, term) => {
    const column = k.slice(bends, [0, term, 0, 0], [count, 1, 1, size]);
    const row = k.slice(bends, [0, term, 1, 0], [count, 1, 2, size]);
    return k.multiply(k.reshape(column, [count, 1, 1, size]), k.reshape(row, [count, 2, size, 1]));
  });
  return k.reshape(k.addN(products), [2 * count, size, size]);
}

/**
 * Warps images `[n, size, size, 3]`: bilinear, mirrored at the border. Differentiable in the images, to any order; the warps
 * are constant to tapes.
 */
export function warpSmoothly(images: Tensor, { smoothWarps, bends }: SmoothWarps): Tensor {
  const size = images.shape[1]!;
  return sampleImages(images, kernels().add(affinePositions(smoothWarps, size), waveShifts(bends)));
}
