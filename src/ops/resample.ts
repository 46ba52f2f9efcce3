// StyleGAN2's blur, and downsampling and upsampling with it, with their gradients (the reference's op/upfirdn2d.py).

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ConvGeometry, kernels } from '../runtime/kernels.js';
import { differentiable } from './autodiff.js';
import { perBackend } from './constants.js';

/** The separable filter [1, 3, 3, 1] of StyleGAN2, which all blurs of the reference use. */
const TAPS = [1, 3, 3, 1];

/** `[4, 4, channels, 1]`, summing to `gain` per channel; layers share one for each width and gain (a few kB in total). */
const blurFilter = perBackend((channels: number, gain: number) => {
  const total = TAPS.reduce((a, b) => a + b) ** 2;
  const weights = TAPS.flatMap((a) =>
    TAPS.flatMap((b) => Array<number>(channels).fill((a * b * gain) / total)),
  );
  return tf.tensor4d(weights, [TAPS.length, TAPS.length, channels, 1]);
});

// Both directions are linear and adjoint to each other, so gradients exist to any order. The filter is symmetric, so
// nothing has to be flipped.

function filtered(x: Tensor, geometry: ConvGeometry, gain: number): Tensor {
  const filter = blurFilter(x.shape[3]!, gain);
  return differentiable([x], kernels().depthwise(x, filter, geometry), [
    (dy) => spread(dy, x.shape, geometry, gain),
  ]);
}

function spread(dy: Tensor, shape: number[], geometry: ConvGeometry, gain: number): Tensor {
  const { stride, padding } = geometry;
  if (stride === 1) {
    const overlap = TAPS.length - 1;
    return filtered(dy, { stride, padding: [overlap - padding[0], overlap - padding[1]] }, gain);
  }
  const filter = blurFilter(dy.shape[3]!, gain);
  return differentiable([dy], kernels().depthwiseInputGradient(shape, filter, dy, geometry), [
    (d) => filtered(d, geometry, gain),
  ]);
}

/**
 * Pads with zeros and blurs with [1, 3, 3, 1] in both directions; the filter sums to `gain`
 * (op/upfirdn2d.py with up = down = 1): `[n, h, w, c] -> [n, h + before + after - 3, ..., c]`.
 */
export function blur(x: Tensor, padding: readonly [number, number], gain = 1): Tensor {
  return filtered(x, { stride: 1, padding }, gain);
}

/** Blurs and halves, computing only the pixels that stay: `[n, h, w, c] -> [n, h / 2, w / 2, c]`. */
export function downsample(x: Tensor): Tensor {
  return filtered(x, { stride: 2, padding: [1, 1] }, 1);
}

/** Doubles by zero insertion and blurs with gain 4: `[n, h, w, c] -> [n, 2h, 2w, c]`; 4 times `downsample`'s adjoint. */
export function upsample(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return spread(x, [n, 2 * h, 2 * w, c], { stride: 2, padding: [1, 1] }, 4);
}
