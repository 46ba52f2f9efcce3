import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { add, addN, multiply, scalarOf, scale, square, sum } from '../../src/ops/arithmetic.js';
import { differentiable, Tape } from '../../src/ops/autodiff.js';
import { loadEngine } from '../../src/runtime/node.js';
import { valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const total = (x: tf.Tensor): tf.Tensor => scalarOf(sum(x));
const vector = (...values: number[]): tf.Tensor => tf.tensor1d(values);

describe('Tape', () => {
  it('returns the gradients of a scalar in the order of the arguments', () => {
    const a = vector(1, 2);
    const b = vector(3, 5);
    const tape = new Tape([a, b]);
    const y = tape.record(() => total(multiply(square(a), b)));
    const [gradB, gradA] = tape.gradients(y, [b, a]);
    expect(valuesOf(gradA!)).toEqual([6, 20]);
    expect(valuesOf(gradB!)).toEqual([1, 4]);
    expect(gradA!.shape).toEqual(a.shape);
  });

  it('treats tensors that it does not watch as constants', () => {
    const a = vector(1, 2);
    const constant = vector(3, 5);
    const tape = new Tape([a]);
    const y = tape.record(() => total(multiply(a, square(constant))));
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([9, 25]);
    expect(() => tape.gradients(y, [constant])).toThrow(RangeError);
  });

  it('ignores operations that run while it does not record', () => {
    const a = vector(1, 2);
    const tape = new Tape([a]);
    const outside = square(a);
    const y = tape.record(() => total(multiply(a, outside)));
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([1, 4]);
  });

  it('throws with the index and shape of an x that the result does not depend on', () => {
    const a = vector(1, 2);
    const forgotten = tf.zeros([3, 4]);
    const tape = new Tape([a, forgotten]);
    const y = tape.record(() => total(square(a)));
    expect(() => tape.gradients(y, [a, forgotten])).toThrow(
      /y does not depend on x number 1 of shape \[3,4\]/,
    );
  });

  it('adds up the gradients of several paths', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => {
      const squared = square(a);
      return total(addN([multiply(squared, a), squared, a, a])); // a^3 + a^2 + 2 a
    });
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([27 + 6 + 2]);
  });

  it('handles an operation with the same tensor on both sides', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => total(multiply(a, a)));
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([6]);
  });

  it('returns gradients of intermediate tensors as well as of watched ones', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const [between, y] = tape.record(() => {
      const squared = square(a);
      return [squared, total(square(squared))] as const; // a^4
    });
    const [gradBetween, gradA] = tape.gradients(y, [between, a]);
    expect(valuesOf(gradBetween!)).toEqual([18]);
    expect(valuesOf(gradA!)).toEqual([108]);
  });

  it('returns 1 as the gradient of a scalar in itself', () => {
    const a = tf.scalar(3);
    expect(valuesOf(new Tape([a]).gradients(a, [a])[0]!)).toEqual([1]);
  });

  it('ignores operations after y', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => {
      const result = total(square(a));
      total(multiply(result, a));
      return result;
    });
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([6]);
  });

  it('returns the same gradients if asked twice', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => total(square(a)));
    const first = valuesOf(tape.gradients(y, [a])[0]!);
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual(first);
  });

  it('records gradients that are computed while it records, to any order', () => {
    const a = vector(2);
    const tape = new Tape([a]);
    tape.record(() => {
      const y = total(multiply(square(a), square(a))); // a^4
      const [first] = tape.gradients(y, [a]);
      const [second] = tape.gradients(total(first!), [a]);
      const [third] = tape.gradients(total(second!), [a]);
      expect([first, second, third].map((gradient) => valuesOf(gradient!))).toEqual([[32], [48], [48]]);
    });
  });

  it('does not record gradients that are computed while it does not record', () => {
    const a = vector(2);
    const tape = new Tape([a]);
    const y = tape.record(() => total(multiply(square(a), a)));
    const [first] = tape.gradients(y, [a]);
    const penalty = tape.record(() => total(square(first!)));
    expect(() => tape.gradients(penalty, [a])).toThrow(RangeError);
  });
});

describe('several tapes', () => {
  it('nest: only the innermost records, and the outer one continues after it', () => {
    const a = vector(3);
    const b = vector(5);
    const outer = new Tape([a]);
    const inner = new Tape([b]);
    const y = outer.record(() => {
      const before = square(a);
      const hidden = inner.record(() => total(multiply(b, square(a))));
      // The inner tape saw a as a constant, the outer one did not see the product at all.
      expect(valuesOf(inner.gradients(hidden, [b])[0]!)).toEqual([9]);
      return total(add(before, scale(a, 2)));
    });
    expect(valuesOf(outer.gradients(y, [a])[0]!)).toEqual([8]);
  });

  it('return to the outer tape after an error', () => {
    const a = vector(3);
    const outer = new Tape([a]);
    const y = outer.record(() => {
      expect(() =>
        new Tape([a]).record(() => {
          throw new Error('within');
        }),
      ).toThrow('within');
      return total(square(a));
    });
    expect(valuesOf(outer.gradients(y, [a])[0]!)).toEqual([6]);
    expect(() => outer.gradients(square(a), [a]), 'nothing records any more').toThrow(RangeError);
  });

  it('take turns as generator and discriminator do in a training step', () => {
    const generator = vector(2);
    const discriminator = vector(3);
    const generatorTape = new Tape([generator]);
    const fake = generatorTape.record(() => square(generator)); // 4
    // The discriminator's tape sees the fake as a constant.
    const discriminatorTape = new Tape([discriminator]);
    const discriminatorLoss = discriminatorTape.record(() => total(multiply(discriminator, fake)));
    const [gradient] = discriminatorTape.gradients(discriminatorLoss, [discriminator]);
    expect(valuesOf(gradient!)).toEqual([4]);
    const updated = add(discriminator, gradient!); // 7
    // The generator's tape continues and sees the discriminator as a constant.
    const loss = generatorTape.record(() => total(multiply(updated, fake)));
    expect(valuesOf(generatorTape.gradients(loss, [generator])[0]!)).toEqual([28]);
    expect(() => generatorTape.gradients(loss, [discriminator])).toThrow(RangeError);
  });
});

describe('differentiable', () => {
  it('throws if a gradient has another shape than its input', () => {
    const a = vector(1, 2);
    const tape = new Tape([a]);
    const y = tape.record(() => total(differentiable([a], tf.square(a), [() => tf.scalar(1)])));
    expect(() => tape.gradients(y, [a])).toThrow(/gradient of shape \[\] for a tensor of shape \[2\]/);
  });

  it('runs only the pullbacks of inputs on the path', () => {
    const a = vector(1, 2);
    const constant = vector(1, 1);
    const tape = new Tape([a]);
    const y = tape.record(() =>
      total(
        differentiable([a, constant], tf.add(a, constant), [
          (dy) => dy,
          () => expect.unreachable('the constant has no gradient'),
        ]),
      ),
    );
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([1, 1]);
  });
});
