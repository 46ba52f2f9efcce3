// Bias, activations and pooling, with their gradients.

import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels, type PoolScheme } from '../runtime/kernels.js';
import { differentiable } from './autodiff.js';

/** Slope of the negative side in every leaky ReLU of the networks. */
export const LEAKY_SLOPE = 0.2;

/** `x + bias` over the last axis (channels). */
export function addBias(x: Tensor, bias: Tensor): Tensor {
  return differentiable([x, bias], kernels().addBias(x, bias), [(dy) => dy, (dy) => sumToChannels(dy)]);
}

/**
 * `leakyRelu(x + bias)` with slope 0.2: the reference's op/fused_act.py without its gain of sqrt(2). Leaky ReLU is
 * positively homogeneous, so layers fold the gain into their weights and bias. The output has the sign of the input, so
 * the gradient needs only the output.
 */
export function biasLeakyRelu(x: Tensor, bias: Tensor): Tensor {
  const y = kernels().biasLeakyRelu(x, bias, LEAKY_SLOPE);
  // Both pullbacks start from the same product; whichever runs first computes it.
  let shared: { dy: Tensor; dx: Tensor } | undefined;
  const through = (dy: Tensor): Tensor => {
    if (shared?.dy !== dy) shared = { dy, dx: leakyReluGradient(dy, y, LEAKY_SLOPE) };
    return shared.dx;
  };
  return differentiable([x, bias], y, [through, (dy) => sumToChannels(through(dy))]);
}

/** `max(x, 0)`. */
export function relu(x: Tensor): Tensor {
  const y = kernels().leakyRelu(x, 0);
  return differentiable([x], y, [(dy) => leakyReluGradient(dy, y, 0)]);
}

/** `dy` where `y > 0`, `slope * dy` elsewhere. Linear in `dy`; its derivative in `y` is 0 almost everywhere. */
function leakyReluGradient(dy: Tensor, y: Tensor, slope: number): Tensor {
  return differentiable([dy], kernels().leakyReluGradient(dy, y, slope), [
    (d) => leakyReluGradient(d, y, slope),
  ]);
}

/** The sum over all axes but the last. */
function sumToChannels(dy: Tensor): Tensor {
  return differentiable([dy], kernels().sumToLastAxis(dy), [(d) => repeatChannels(d, dy.shape)]);
}

/** Adjoint of `sumToChannels`: a vector of channels, repeated over all other axes. */
function repeatChannels(x: Tensor, shape: number[]): Tensor {
  return differentiable([x], kernels().broadcastTo(x, shape), [sumToChannels]);
}

/** Max pooling without padding: `[n, h, w, c]`. First-order gradient only, which is enough for LPIPS. */
export function maxPool(x: Tensor, size: number, stride: number): Tensor {
  const y = kernels().maxPool(x, size, stride);
  return differentiable([x], y, [(dy) => kernels().maxPoolGradient(dy, x, y, size, stride)]);
}

/** Average pooling: `[n, h, w, c]`; `same` (stride 1) keeps height and width and ignores positions outside. */
export function averagePool(x: Tensor, size: number, stride: number, scheme: PoolScheme = 'valid'): Tensor {
  return differentiable([x], kernels().averagePool(x, size, stride, scheme), [
    (dy) => averagePoolGradient(x.shape, dy, size, stride, scheme),
  ]);
}

/** Adjoint of `averagePool`. */
function averagePoolGradient(
  inputShape: number[],
  dy: Tensor,
  size: number,
  stride: number,
  scheme: PoolScheme,
): Tensor {
  return differentiable([dy], kernels().averagePoolGradient(inputShape, dy, size, stride, scheme), [
    (d) => averagePool(d, size, stride, scheme),
  ]);
}
