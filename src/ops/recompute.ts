import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { differentiable, differentiableJointly, type JointPullback, Tape, unrecorded } from './autodiff.js';

/** Computes some tensors from activations and parameters by differentiable operations; called once or many times. */
export type Recomputable = (activations: readonly Tensor[], parameters: readonly Tensor[]) => Tensor[];

/**
 * `x`, ordered after `dependencies`. A captured program runs an operation as soon as its inputs are there, and computes
 * once what it finds twice: this is how it is told that something is to be computed later, or again.
 */
export function after(x: Tensor, dependencies: readonly Tensor[]): Tensor {
  return differentiable([x], kernels().after(x, dependencies), [(dy) => dy]);
}

/**
 * The outputs of `fn`, of which only the inputs are kept for the gradient: when it is taken, `fn` runs a second time
 * (activation checkpointing; Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). The gradient is
 * computed by this same function, so that gradients of gradients keep little too, to any order.
 *
 * @param activations inputs that everything large in `fn` is computed from; they wait for the gradient to arrive.
 * @param parameters other inputs with gradients; what `fn` computes from them alone may be kept.
 */
export function recompute(
  fn: Recomputable,
  activations: readonly Tensor[],
  parameters: readonly Tensor[] = [],
): Tensor[] {
  const inputs = [...activations, ...parameters];
  const outputs = asNew(
    unrecorded(() => tf.tidy(() => fn(activations, parameters))),
    inputs,
  );
  return differentiableJointly(inputs, outputs, checkpointedPullback(fn, activations, parameters));
}

/** The pullback of `recompute`: from gradients of the outputs of `fn` to those of activations and parameters, in this order. */
export function checkpointedPullback(
  fn: Recomputable,
  activations: readonly Tensor[],
  parameters: readonly Tensor[],
): JointPullback {
  const inputs = [...activations, ...parameters];
  return (arrived, isWanted) => {
    const which = arrived.flatMap((dy, i) => (dy === undefined ? [] : [i]));
    const dys = which.map((i) => arrived[i]!);
    const wanted = inputs.flatMap((_, k) => (isWanted[k] ? [k] : []));
    /** Which inputs the outputs really depend on, known after the first run. */
    let found: number[] = [];
    const gradient: Recomputable = (given, held) => {
      const arriving = given.slice(activations.length);
      const again = activations.map((_, k) => after(given[k]!, arriving));
      const xs = [...again, ...held];
      // Of a parameter that comes in twice, the first takes the gradient of both.
      const sought = wanted.filter((k) => xs.findIndex(({ id }) => id === xs[k]!.id) === k);
      const tape = new Tape(sought.map((k) => xs[k]!));
      const ys = tape.recordToo(() => fn(again, held));
      const gradients = tape.gradientsFrom(
        which.map((i) => ys[i]!),
        arriving,
        sought.map((k) => xs[k]!),
      );
      found = sought.filter((_, i) => gradients[i] !== undefined);
      return gradients.filter((dx) => dx !== undefined);
    };
    const gradients = recompute(gradient, [...activations, ...dys], parameters);
    return inputs.map((_, k) => gradients[found.indexOf(k)]);
  };
}

/** Outputs that are inputs, or each other, as tensors of their own: a tape tells tensors apart by their ids. */
function asNew(outputs: readonly Tensor[], inputs: readonly Tensor[]): Tensor[] {
  const known = new Set(inputs.map(({ id }) => id));
  return outputs.map((y) => {
    if (known.has(y.id)) return kernels().after(y, []);
    known.add(y.id);
    return y;
  });
}
