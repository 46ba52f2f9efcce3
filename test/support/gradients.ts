// Checks gradients against finite differences.
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { add, multiply, scalarOf, scale, sum } from '../../src/ops/arithmetic.js';
import { Tape } from '../../src/ops/autodiff.js';
import { randomTensor, uniformTensor } from './tensors.js';

/** A function of tensors whose gradients are checked. */
export type Fn = (...inputs: tf.Tensor[]) => tf.Tensor;

/** A function that may take gradients of its own on the tape that records it. */
type TapedFn = (tape: Tape, inputs: tf.Tensor[]) => tf.Tensor;

/** Change of the inputs: small compared with their size (about 1), large compared with float32's rounding. */
const STEP = 1e-2;
const TOLERANCE = 3e-3;
const DIRECTIONS = 3;

/** Random weights for `measure`. */
const weightsOf = (y: tf.Tensor, seed: number): tf.Tensor => randomTensor(seed, y.shape);

/** Maps a result to one number, `<weights, y> + |y|^2 / 2`. It is not linear, so that its gradient varies. */
function measure(y: tf.Tensor, seed: number): tf.Tensor {
  return scalarOf(sum(multiply(y, add(weightsOf(y, seed), scale(y, 0.5)))));
}

/** The gradient of `measure(fn)` in input k, as a function; zeros if fn does not depend on the input. */
function derivative(fn: TapedFn, k: number, seed: number): TapedFn {
  return (tape, inputs) => {
    const y = fn(tape, inputs);
    const total = measure(y, seed);
    try {
      return tape.gradients(total, [inputs[k]!])[0]!;
    } catch (error) {
      if (!(error instanceof RangeError) || !error.message.includes('does not depend')) throw error;
      return tf.zerosLike(inputs[k]!);
    }
  };
}

function run(fn: TapedFn, inputs: tf.Tensor[]): tf.Tensor {
  const tape = new Tape(inputs);
  return tape.record(() => fn(tape, inputs));
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
};
const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));

/** Compares the gradient in every input with central differences along random directions. */
function checkFirstOrder(fn: TapedFn, inputs: tf.Tensor[], label: string): void {
  const result = run(fn, inputs);
  const weights = weightsOf(result, 1).dataSync();
  inputs.forEach((input, k) => {
    const gradient = run(derivative(fn, k, 1), inputs);
    expect(gradient.shape, label).toEqual(input.shape);
    const values = gradient.dataSync();
    for (let d = 0; d < DIRECTIONS; d++) {
      const direction = uniformTensor(100 + d, input.shape, -1, 1);
      const at = (step: number): number => {
        const moved = inputs.map((each, i) => (i === k ? tf.add(each, tf.mul(direction, step)) : each));
        const y = run(fn, moved).dataSync();
        return dot(y, weights) + dot(y, y) / 2;
      };
      const difference = (at(STEP) - at(-STEP)) / (2 * STEP);
      const along = direction.dataSync();
      // Relative to the size of the gradient, or to rounding errors if it is 0.
      const size = norm(values) * norm(along) + 0.03 * norm(weights);
      expect(
        Math.abs(dot(values, along) - difference) / size,
        `${label}, input ${k}: gradient ${dot(values, along)}, difference ${difference}`,
      ).toBeLessThan(TOLERANCE);
    }
  });
}

/**
 * Compares gradients of a function with central differences, up to order `order`: R1 needs gradients of gradients.
 */
export function checkGradients(fn: Fn, inputs: tf.Tensor[], order: number): void {
  tf.tidy(() => {
    let level: { fn: TapedFn; label: string }[] = [{ fn: (_, tensors) => fn(...tensors), label: 'order 1' }];
    for (let n = 1; n <= order; n++) {
      for (const { fn: taped, label } of level) checkFirstOrder(taped, inputs, label);
      level = level.flatMap((entry) =>
        inputs.map((_, k) => ({
          fn: derivative(entry.fn, k, 10 * n + k),
          label: `order ${n + 1}, ${entry.label.replace(/^order \d+,? ?/, '')} d${k}`,
        })),
      );
    }
  });
}
