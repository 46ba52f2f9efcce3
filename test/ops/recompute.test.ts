import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { multiply, scalarOf, square, sum } from '../../src/ops/arithmetic.js';
import { differentiable, Tape } from '../../src/ops/autodiff.js';
import { after, type Recomputable, recompute } from '../../src/ops/recompute.js';
import { loadEngine } from '../../src/runtime/node.js';
import { valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const total = (x: Tensor): Tensor => scalarOf(sum(x));
const vector = (...values: number[]): Tensor => tf.tensor1d(values);

/** `x^2 w`, with a count of how often it was computed. */
function counted(): { fn: Recomputable; runs: () => number } {
  let runs = 0;
  const fn: Recomputable = ([x], [w]) => {
    runs++;
    return [multiply(square(x!), w!)];
  };
  return { fn, runs: () => runs };
}

describe('recompute', () => {
  it('runs the function once, and once more for all gradients together', () => {
    const [x, w] = [vector(2, 3), vector(5, 7)];
    const { fn, runs } = counted();
    const tape = new Tape([x, w]);
    const [y] = tape.record(() => recompute(fn, [x], [w]));
    expect(valuesOf(y!)).toEqual([20, 63]);
    expect(runs()).toBe(1);
    const loss = tape.record(() => total(y!));
    const [dx, dw] = tape.gradients(loss, [x, w]);
    expect(valuesOf(dx!)).toEqual([20, 42]);
    expect(valuesOf(dw!)).toEqual([4, 9]);
    expect(runs()).toBe(2);
  });

  it('runs the function only once if no gradient is requested', () => {
    const { fn, runs } = counted();
    const tape = new Tape([vector(1)]);
    tape.record(() => recompute(fn, [vector(2, 3)], [vector(5, 7)]));
    expect(runs()).toBe(1);
  });

  it('keeps only its outputs, and only the gradients of the gradient computation', () => {
    const [x, w] = [vector(2, 3), vector(5, 7)];
    const tape = new Tape([x, w]);
    const before = tf.memory().numTensors;
    const [y] = tape.record(() => recompute(counted().fn, [x], [w]));
    expect(tf.memory().numTensors - before).toBe(1);
    const [dx, dw] = tape.gradientsFrom([y!], [vector(1, 1)], [x, w]);
    expect([dx!.isDisposed, dw!.isDisposed]).toEqual([false, false]);
    // The output, the two gradients, and the gradient of y that the test made.
    expect(tf.memory().numTensors - before).toBe(4);
  });

  it('runs only the pullbacks of inputs whose gradient is requested', () => {
    const [x, w] = [vector(2, 3), vector(5, 7)];
    const tape = new Tape([x, w]);
    const product: Recomputable = ([a], [b]) => [
      differentiable([a!, b!], tf.mul(a!, b!), [
        (dy) => tf.mul(dy, b!),
        () => expect.unreachable('this gradient is not requested'),
      ]),
    ];
    const loss = tape.record(() => total(recompute(product, [x], [w])[0]!));
    expect(valuesOf(tape.gradients(loss, [x])[0]!)).toEqual([5, 7]);
  });

  it('throws if the output does not depend on an input, as other operations do', () => {
    const [x, w] = [vector(2, 3), vector(5, 7)];
    const tape = new Tape([x, w]);
    const loss = tape.record(() => total(recompute(([a]) => [square(a!)], [x], [w])[0]!));
    expect(valuesOf(tape.gradients(loss, [x])[0]!)).toEqual([4, 6]);
    expect(() => tape.gradients(loss, [x, w])).toThrow(/y does not depend on x number 1 of shape \[2\]/);
  });

  it('hides its inner operations from the outer tape', () => {
    const x = vector(3);
    const tape = new Tape([x]);
    let inner: Tensor | undefined;
    const y = tape.record(() => {
      const [result] = recompute(
        ([a]) => {
          inner ??= tf.keep(square(a!));
          return [square(a!)];
        },
        [x],
      );
      return total(result!);
    });
    expect(() => tape.gradients(y, [inner!])).toThrow(RangeError);
    inner!.dispose();
  });
});

describe('after', () => {
  it('returns the same values in a new tensor', () => {
    const x = vector(2, 3);
    const y = after(x, [vector(1), x]);
    expect(valuesOf(y)).toEqual([2, 3]);
    expect(y.id).not.toBe(x.id);
    x.dispose();
    expect(valuesOf(y)).toEqual([2, 3]);
  });
});
