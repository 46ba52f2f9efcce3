// Activation checkpointing: keeps the inputs of a function and computes it again for the gradient.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';
import { differentiable, differentiableJointly, type JointPullback, Tape, unrecorded } from './autodiff.js';

/** Computes tensors from activations and parameters by differentiable operations; may run any number of times. */
export type Recomputable = (activations: readonly Tensor[], parameters: readonly Tensor[]) => Tensor[];

/**
 * `x`, ordered after `dependencies`. A captured program runs an operation as soon as its inputs exist, and merges equal
 * operations; this makes it compute something later, or again.
 */
export function after(x: Tensor, dependencies: readonly Tensor[]): Tensor {
  return differentiable([x], kernels().after(x, dependencies), [(dy) => dy]);
}

/**
 * The outputs of `fn`, checkpointed: only the inputs are kept for the gradient, for which `fn` runs a second time
 * (activation checkpointing; Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). The gradient itself goes
 * through this function too, so gradients of gradients also keep little, to any order.
 *
 * @param activations inputs that everything large in `fn` depends on; the second run waits for the gradient to arrive.
 * @param parameters other inputs with gradients; results of `fn` that depend on them alone may be kept.
 */
export function recompute(
  fn: Recomputable,
  activations: readonly Tensor[],
  parameters: readonly Tensor[] = [],
): Tensor[] {
  const inputs = [...activations, ...parameters];
  const outputs = withUniqueIds(
    unrecorded(() => tf.tidy(() => fn(activations, parameters))),
    inputs,
  );
  return differentiableJointly(inputs, outputs, checkpointedPullback(fn, activations, parameters));
}

/** The pullback of `recompute`: from gradients of the outputs of `fn` to those of the activations, then the parameters. */
export function checkpointedPullback(
  fn: Recomputable,
  activations: readonly Tensor[],
  parameters: readonly Tensor[],
): JointPullback {
  const inputs = [...activations, ...parameters];
  return (arrived, isWanted) => {
    const outputIndices = arrived.flatMap((dy, i) => (dy === undefined ? [] : [i]));
    const dys = outputIndices.map((i) => arrived[i]!);
    const wanted = inputs.flatMap((_, k) => (isWanted[k] ? [k] : []));
    /** The inputs that the outputs really depend on, known after the first run. */
    let dependencies: number[] = [];
    const gradient: Recomputable = (activationsAndDys, weights) => {
      const arriving = activationsAndDys.slice(activations.length);
      const again = activations.map((_, k) => after(activationsAndDys[k]!, arriving));
      const xs = [...again, ...weights];
      // If a parameter comes in twice, the first takes the gradient of both.
      const targets = wanted.filter((k) => xs.findIndex(({ id }) => id === xs[k]!.id) === k);
      const tape = new Tape(targets.map((k) => xs[k]!));
      const ys = tape.recordToo(() => fn(again, weights));
      const gradients = tape.gradientsFrom(
        outputIndices.map((i) => ys[i]!),
        arriving,
        targets.map((k) => xs[k]!),
      );
      dependencies = targets.filter((_, i) => gradients[i] !== undefined);
      return gradients.filter((dx) => dx !== undefined);
    };
    const gradients = recompute(gradient, [...activations, ...dys], parameters);
    return inputs.map((_, k) => gradients[dependencies.indexOf(k)]);
  };
}

/** Gives a new tensor to outputs that are inputs or each other: a tape distinguishes tensors by their ids. */
function withUniqueIds(outputs: readonly Tensor[], inputs: readonly Tensor[]): Tensor[] {
  const known = new Set(inputs.map(({ id }) => id));
  return outputs.map((y) => {
    if (known.has(y.id)) return kernels().after(y, []);
    known.add(y.id);
    return y;
  });
}
