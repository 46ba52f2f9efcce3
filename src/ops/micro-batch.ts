import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { addTogether, differentiableJointly, type Gradients, unrecorded } from './autodiff.js';
import { after, checkpointedPullback, type Recomputable } from './recompute.js';
import { concat, rows } from './shape.js';

/**
 * The outputs of `fn` for a large batch, computed from at most `maxRows` rows at a time: one part after another, and for
 * the gradient again one after another, so that what `fn` keeps for it is there for one part only. Gradients of parameters
 * are added up as the parts go by (gradient accumulation). Exact to any order, but for the rounding of sums in another order.
 *
 * @param fn takes and gives tensors whose rows (axis 0) belong together and do not depend on other rows.
 * @param activations its inputs by row, all with as many rows.
 */
export function microBatched(
  fn: Recomputable,
  activations: readonly Tensor[],
  parameters: readonly Tensor[],
  maxRows: number,
): Tensor[] {
  const count = activations[0]!.shape[0]!;
  if (count <= maxRows) return fn(activations, parameters);
  const parts = Array.from({ length: Math.ceil(count / maxRows) }, (_, i) => {
    const from = i * maxRows;
    return { from, size: Math.min(maxRows, count - from) };
  });
  const outputs = unrecorded(() =>
    tf.tidy(() => {
      let done: Tensor[] = [];
      const byPart = parts.map(({ from, size }) => {
        const given = activations.map((x) => rows(after(x, done), from, size));
        done = tf.tidy(() => fn(given, parameters));
        return done;
      });
      return done.map((_, k) =>
        kernels().concat(
          byPart.map((ys) => ys[k]!),
          0,
        ),
      );
    }),
  );
  return differentiableJointly([...activations, ...parameters], outputs, (arrived, isWanted) => {
    const byPart: Gradients[] = [];
    let sums: (Tensor | undefined)[] = parameters.map(() => undefined);
    let done: Tensor[] = [];
    for (const { from, size } of parts) {
      const part = (x: Tensor): Tensor => rows(after(x, done), from, size);
      const pullback = checkpointedPullback(fn, activations.map(part), parameters);
      const gradients = pullback(
        arrived.map((dy) => dy && part(dy)),
        isWanted,
      );
      byPart.push(gradients.slice(0, activations.length));
      sums = sums.map((sum, k) => {
        const gradient = gradients[activations.length + k];
        return sum && gradient ? addTogether([sum, gradient]) : (sum ?? gradient);
      });
      done = [...byPart.at(-1)!, ...sums].filter((tensor) => tensor !== undefined);
    }
    const joined = activations.map((_, k) => {
      const pieces = byPart.map((gradients) => gradients[k]).filter((dx) => dx !== undefined);
      return pieces.length === parts.length ? concat(pieces, 0) : undefined;
    });
    return [...joined, ...sums];
  });
}
