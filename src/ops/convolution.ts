// Convolution and its two adjoints, each with gradients made of the others.

import type { Tensor } from '@tensorflow/tfjs-core';
import { type ConvGeometry, kernels } from '../runtime/kernels.js';
import { differentiable } from './autodiff.js';

/** Stride 1 with padding that keeps height and width, for an odd filter of `size` px. */
export function sameGeometry(size: number): ConvGeometry {
  return { stride: 1, padding: [(size - 1) / 2, (size - 1) / 2] };
}

// The three convolution kernels are one trilinear form and its partial derivatives, so each one's gradients are the
// other two, to any order.

/** `[n, h, w, i] * [k, k, i, o] -> [n, h', w', o]` (cross-correlation, the convolution of neural networks). */
export function conv2d(x: Tensor, filter: Tensor, geometry: ConvGeometry): Tensor {
  return differentiable([x, filter], kernels().conv2d(x, filter, geometry), [
    (dy) => conv2dInputGradient(x.shape, filter, dy, geometry),
    (dy) => conv2dFilterGradient(x, filter.shape, dy, geometry),
  ]);
}

/**
 * Adjoint of `conv2d` in its input, also known as the transposed convolution:
 * `[n, h', w', o] * [k, k, i, o] -> inputShape = [n, h, w, i]`.
 */
export function conv2dInputGradient(
  inputShape: number[],
  filter: Tensor,
  dy: Tensor,
  geometry: ConvGeometry,
): Tensor {
  return differentiable([filter, dy], kernels().conv2dInputGradient(inputShape, filter, dy, geometry), [
    (d) => conv2dFilterGradient(d, filter.shape, dy, geometry),
    (d) => conv2d(d, filter, geometry),
  ]);
}

/** Adjoint of `conv2d` in its filter; returns `filterShape = [k, k, i, o]`. */
export function conv2dFilterGradient(
  x: Tensor,
  filterShape: number[],
  dy: Tensor,
  geometry: ConvGeometry,
): Tensor {
  return differentiable([x, dy], kernels().conv2dFilterGradient(x, filterShape, dy, geometry), [
    (d) => conv2dInputGradient(x.shape, d, dy, geometry),
    (d) => conv2d(x, d, geometry),
  ]);
}
