// Joining, slicing, padding and gathering tensors, with their gradients.

import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { differentiable } from './autodiff.js';

/** Joins tensors along an axis. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  let offset = 0;
  const pullbacks = parts.map((part) => {
    const begin = part.shape.map((_, i) => (i === axis ? offset : 0));
    offset += part.shape[axis]!;
    return (dy: Tensor) => slice(dy, begin, part.shape);
  });
  return differentiable(parts, kernels().concat(parts, axis), pullbacks);
}

/** The block of `x` that starts at `begin` and has the given size. */
export function slice(x: Tensor, begin: number[], size: number[]): Tensor {
  return differentiable([x], kernels().slice(x, begin, size), [
    (dy) =>
      pad(
        dy,
        begin.map((from, axis) => [from, x.shape[axis]! - from - size[axis]!]),
      ),
  ]);
}

/** Rows `from .. from + count - 1` of `x`. */
export function rows(x: Tensor, from: number, count: number): Tensor {
  if (from === 0 && count === x.shape[0]) return x;
  return slice(x, [from, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
}

/** Pads `x` with zeros: `paddings[i]` says how many before and after on axis i. */
export function pad(x: Tensor, paddings: [number, number][]): Tensor {
  return differentiable([x], kernels().pad(x, paddings), [
    (dy) =>
      slice(
        dy,
        paddings.map(([before]) => before),
        x.shape,
      ),
  ]);
}

/** Rows of `x` in the order of `indices` (int32 vector); an index may occur more than once. */
export function gatherRows(x: Tensor, indices: Tensor): Tensor {
  return differentiable([x], kernels().gatherRows(x, indices), [
    (dy) => scatterRows(dy, indices, x.shape[0]!),
  ]);
}

/** Adjoint of `gatherRows`: adds row i of `dy` to row `indices[i]` of zeros. */
export function scatterRows(dy: Tensor, indices: Tensor, count: number): Tensor {
  return differentiable([dy], kernels().scatterRows(dy, indices, count), [(d) => gatherRows(d, indices)]);
}
