// Spectral regularization: translations should have the detail of real images at every frequency (Durall et al. 2020, "Watch your
// Up-Convolution"): adversarial losses alone leave fine detail too weak or too strong.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  affine,
  broadcastTo,
  log,
  mean,
  reshape,
  scalarOf,
  scale,
  scaleBy,
  square,
  subtract,
} from '../ops/arithmetic.js';
import { perBackend } from '../ops/constants.js';
import { conv2d } from '../ops/convolution.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';
import { concat } from '../ops/shape.js';
import { defineLoss, weight } from './loss.js';

/** Variance of rounding to 8 bits, in [-1, 1]: differences of detail that is weaker do not count. */
const ROUNDING_VARIANCE = (2 / 255) ** 2 / 12;

/** Hann window of a square, whose mean square is (3/8)^2: `[1, size, size, 1]`. */
const hannWindow = perBackend((size: number) => {
  const hann = Array.from({ length: size }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / size) ** 2);
  return tf.tensor4d(
    hann.flatMap((a) => hann.map((b) => a * b)),
    [1, size, size, 1],
  );
});

/** Cosines, then sines, of 1 to size / 2 cycles over `size` px: `[size, size]` values, row by row. */
function waves(size: number): number[] {
  const frequencies = Array.from({ length: size / 2 }, (_, i) => i + 1);
  return Array.from({ length: size }, (_, at) =>
    [Math.cos, Math.sin].flatMap((wave) => frequencies.map((k) => wave((2 * Math.PI * k * at) / size))),
  ).flat();
}

const horizontalWaves = perBackend((size: number) => tf.tensor4d(waves(size), [1, size, 1, size]));
const verticalWaves = perBackend((size: number) => tf.tensor4d(waves(size), [size, 1, 1, size]));

/**
 * The power spectra of images along rows and along columns, `[2n, 1, 1, size / 2]`, in bels: log10 of the squared Fourier transform
 * at 1 to size / 2 cycles per image, averaged over the rows or columns. They are taken of the images' lightness under a Hann window.
 *
 * @param images `[n, size, size, 3]` in [-1, 1]; `size` is even.
 */
function logSpectra(images: Tensor): Tensor {
  const [n, size] = images.shape as [number, number];
  const lightness = mean(images, [3]);
  const centred = subtract(lightness, broadcastTo(mean(lightness, [1, 2]), lightness.shape));
  const windowed = scaleBy(centred, hannWindow(size));
  const geometry = { stride: 1, padding: [0, 0] } as const;
  const transforms = [horizontalWaves, verticalWaves].map((filter) =>
    // The lines lie along axis 1, cosines and sines along axis 2.
    reshape(conv2d(windowed, filter(size), geometry), [n, size, 2, size / 2]),
  );
  // The power is the sum of both squares, so twice their mean.
  const meanSquare = mean(square(concat(transforms, 0)), [1, 2]);
  return scale(log(affine(meanSquare, 2, ROUNDING_VARIANCE * size * (3 / 8) ** 2)), 1 / Math.LN10);
}

/**
 * The mean square of the difference between the mean log spectra of translations and of real images, both `[n, size, size, 3]`, over
 * all frequencies of rows and columns; 1 is a difference of 10 dB.
 *
 * @param ranks the ranks whose batches count as one for the means.
 */
export function spectrumLoss(translated: Tensor, real: Tensor, ranks: Ranks = ONE_RANK): Tensor {
  const [n, size] = translated.shape as [number, number];
  const difference = subtract(logSpectra(translated), logSpectra(real));
  const ofBatch = ranks.mean(mean(reshape(difference, [2, n, size / 2]), [1]));
  return scalarOf(mean(square(ofBatch)));
}

/** Translations have the detail of real images at every frequency. */
export const spectrum = defineLoss({
  config: weight(
    'Weight of the spectrum loss: the mean spectra of translations and of real images should agree (spectral regularization of Durall et al.); 0 turns it off.',
  ).default(0),
  inputs: ['translated', 'real', 'statistics'],
  trainsDecoder: true,
  term: ({ translated, real, statistics }) => spectrumLoss(translated, real, statistics),
});
