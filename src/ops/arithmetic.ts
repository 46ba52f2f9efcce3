// Differentiable arithmetic: element by element, reductions, matrix products.

import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { addTogether, differentiable } from './autodiff.js';

/** `a + b`, equal shapes. */
export function add(a: Tensor, b: Tensor): Tensor {
  return differentiable([a, b], kernels().add(a, b), [(dy) => dy, (dy) => dy]);
}

/** The sum of tensors of one shape. */
export function addN(terms: readonly Tensor[]): Tensor {
  return addTogether(terms);
}

/** `a - b`, equal shapes. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return differentiable([a, b], kernels().subtract(a, b), [(dy) => dy, (dy) => scale(dy, -1)]);
}

/** `a * b`, equal shapes. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return differentiable([a, b], kernels().multiply(a, b), [(dy) => multiply(dy, b), (dy) => multiply(dy, a)]);
}

/** `factor * x + offset` with plain numbers. */
export function affine(x: Tensor, factor: number, offset: number): Tensor {
  return differentiable([x], kernels().affine(x, factor, offset), [(dy) => scale(dy, factor)]);
}

/** `factor * x` with a plain number. */
export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : affine(x, factor, 0);
}

/** `x * s` with equal ranks; `s` repeats along its axes of length one. */
export function scaleBy(x: Tensor, s: Tensor): Tensor {
  const axes = s.shape.flatMap((n, axis) => (n === 1 && x.shape[axis] !== 1 ? [axis] : []));
  if (axes.length === 0) return multiply(x, s);
  return differentiable([x, s], kernels().multiply(x, s), [
    (dy) => scaleBy(dy, s),
    (dy) => sum(multiply(dy, x), axes),
  ]);
}

/** Sum over `axes`, all by default; they stay with length one. */
export function sum(x: Tensor, axes: number[] = x.shape.map((_, axis) => axis)): Tensor {
  return differentiable([x], kernels().sum(x, axes, true), [(dy) => broadcastTo(dy, x.shape)]);
}

/** Mean over `axes`, all by default; they stay with length one. */
export function mean(x: Tensor, axes: number[] = x.shape.map((_, axis) => axis)): Tensor {
  const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  return differentiable([x], kernels().mean(x, axes, true), [
    (dy) => broadcastTo(scale(dy, 1 / count), x.shape),
  ]);
}

/** Repeats `x` along its axes of length one up to `shape` (equal ranks). */
export function broadcastTo(x: Tensor, shape: number[]): Tensor {
  const axes = shape.flatMap((n, axis) => (x.shape[axis] === 1 && n !== 1 ? [axis] : []));
  if (axes.length === 0) return x;
  return differentiable([x], kernels().broadcastTo(x, shape), [(dy) => sum(dy, axes)]);
}

/** A tensor of one element, such as a full sum or mean, in shape `[]`. */
export function scalarOf(x: Tensor): Tensor {
  return reshape(x, []);
}

/** `x^2`. */
export function square(x: Tensor): Tensor {
  return differentiable([x], kernels().square(x), [(dy) => multiply(dy, scale(x, 2))]);
}

/** Sum of `x^2` over `axes`, which stay with length one; unlike `sum(square(x))` it keeps nothing but `x` for its gradient. */
export function sumOfSquares(x: Tensor, axes: number[]): Tensor {
  const k = kernels();
  return differentiable([x], k.sum(k.square(x), axes, true), [(dy) => scaleBy(x, scale(dy, 2))]);
}

/** Square root of positive numbers. */
export function sqrt(x: Tensor): Tensor {
  const y = kernels().sqrt(x);
  return differentiable([x], y, [(dy) => divide(scale(dy, 0.5), y)]);
}

/** `1 / sqrt(x)` of positive numbers. */
export function rsqrt(x: Tensor): Tensor {
  const y = kernels().rsqrt(x);
  return differentiable([x], y, [(dy) => multiply(scale(dy, -0.5), multiply(y, square(y)))]);
}

/** `a / b`, equal shapes. */
export function divide(a: Tensor, b: Tensor): Tensor {
  const y = kernels().divide(a, b);
  return differentiable([a, b], y, [(dy) => divide(dy, b), (dy) => scale(divide(multiply(dy, y), b), -1)]);
}

/** Natural logarithm of positive numbers. */
export function log(x: Tensor): Tensor {
  return differentiable([x], kernels().log(x), [(dy) => divide(dy, x)]);
}

/** `|x|`; the gradient at 0 is 0. */
export function abs(x: Tensor): Tensor {
  return differentiable([x], kernels().abs(x), [(dy) => multiply(dy, kernels().sign(x))]);
}

/** `log(1 + exp(x))`. */
export function softplus(x: Tensor): Tensor {
  return differentiable([x], kernels().softplus(x), [(dy) => multiply(dy, sigmoid(x))]);
}

/** `1 / (1 + exp(-x))`. */
export function sigmoid(x: Tensor): Tensor {
  const y = kernels().sigmoid(x);
  return differentiable([x], y, [(dy) => multiply(dy, multiply(y, affine(y, -1, 1)))]);
}

/** `[m, k] x [k, n] -> [m, n]`; either side may be transposed first. */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  return differentiable([a, b], kernels().matMul(a, b, transposeA, transposeB), [
    (dy) => (transposeA ? matMul(b, dy, transposeB, true) : matMul(dy, b, false, !transposeB)),
    (dy) => (transposeB ? matMul(dy, a, true, transposeA) : matMul(a, dy, !transposeA, false)),
  ]);
}

/** The same elements in another shape. */
export function reshape(x: Tensor, shape: number[]): Tensor {
  return differentiable([x], kernels().reshape(x, shape), [(dy) => reshape(dy, x.shape)]);
}
