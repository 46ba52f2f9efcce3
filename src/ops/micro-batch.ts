// Micro-batches: computes a large batch a few rows at a time, with gradient accumulation.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { addTogether, differentiableJointly, type Gradients, unrecorded } from './autodiff.js';
import { after, checkpointedPullback, type Recomputable } from './recompute.js';
import { concat, rows } from './shape.js';

/**
 * The outputs of `fn` for a large batch, computed in micro-batches of at most `maxRows` rows, one after another. The gradient
 * runs through them one after another too, so that memory holds the activations of one micro-batch only; gradients of
 * parameters add up on the way (gradient accumulation). Exact to any order, except for the rounding of reordered sums.
 *
 * @param fn takes and returns tensors whose rows (axis 0) correspond and do not depend on other rows.
 * @param activations its inputs with rows, all with the same number of them.
 */
export function microBatched(
  fn: Recomputable,
  activations: readonly Tensor[],
  parameters: readonly Tensor[],
  maxRows: number,
): Tensor[] {
  const count = activations[0]!.shape[0]!;
  if (count <= maxRows) return fn(activations, parameters);
  const microBatches = Array.from({ length: Math.ceil(count / maxRows) }, (_, i) => {
    const from = i * maxRows;
    return { from, size: Math.min(maxRows, count - from) };
  });
  const outputs = unrecorded(() =>
    tf.tidy(() => {
      let previous: Tensor[] = [];
      const byMicroBatch = microBatches.map(({ from, size }) => {
        const inputs = activations.map((x) => rows(after(x, previous), from, size));
        previous = tf.tidy(() => fn(inputs, parameters));
        return previous;
      });
      return previous.map((_, k) =>
        kernels().concat(
          byMicroBatch.map((ys) => ys[k]!),
          0,
        ),
      );
    }),
  );
  return differentiableJointly([...activations, ...parameters], outputs, (arrived, isWanted) => {
    const byMicroBatch: Gradients[] = [];
    let sums: (Tensor | undefined)[] = parameters.map(() => undefined);
    let previous: Tensor[] = [];
    for (const { from, size } of microBatches) {
      const rowsOf = (x: Tensor): Tensor => rows(after(x, previous), from, size);
      const pullback = checkpointedPullback(fn, activations.map(rowsOf), parameters);
      const gradients = pullback(
        arrived.map((dy) => dy && rowsOf(dy)),
        isWanted,
      );
      byMicroBatch.push(gradients.slice(0, activations.length));
      sums = sums.map((sum, k) => {
        const gradient = gradients[activations.length + k];
        return sum && gradient ? addTogether([sum, gradient]) : (sum ?? gradient);
      });
      previous = [...byMicroBatch.at(-1)!, ...sums].filter((tensor) => tensor !== undefined);
    }
    const joined = activations.map((_, k) => {
      const dxs = byMicroBatch.map((gradients) => gradients[k]).filter((dx) => dx !== undefined);
      return dxs.length === microBatches.length ? concat(dxs, 0) : undefined;
    });
    return [...joined, ...sums];
  });
}
