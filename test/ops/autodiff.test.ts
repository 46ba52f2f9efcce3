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
  it('gives the gradients of a scalar in the order that is asked for', () => {
    const a = vector(1, 2);
    const b = vector(3, 5);
    const tape = new Tape([a, b]);
    const y = tape.record(() => total(multiply(square(a), b)));
    const [gradB, gradA] = tape.gradients(y, [b, a]);
    expect(valuesOf(gradA!)).toEqual([6, 20]);
    expect(valuesOf(gradB!)).toEqual([1, 4]);
    expect(gradA!.shape).toEqual(a.shape);
  });

  it('takes tensors that it does not watch as constants', () => {
    const a = vector(1, 2);
    const constant = vector(3, 5);
    const tape = new Tape([a]);
    const y = tape.record(() => total(multiply(a, square(constant))));
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([9, 25]);
    expect(() => tape.gradients(y, [constant])).toThrow(RangeError);
  });

  it('knows nothing of what is computed while it does not record', () => {
    const a = vector(1, 2);
    const tape = new Tape([a]);
    const outside = square(a);
    const y = tape.record(() => total(multiply(a, outside)));
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([1, 4]);
  });

  it('says which x the result does not depend on, and its shape', () => {
    const a = vector(1, 2);
    const forgotten = tf.zeros([3, 4]);
    const tape = new Tape([a, forgotten]);
    const y = tape.record(() => total(square(a)));
    expect(() => tape.gradients(y, [a, forgotten])).toThrow(
      /y does not depend on x number 1 of shape \[3,4\]/,
    );
  });

  it('adds up what arrives over several ways', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => {
      const squared = square(a);
      return total(addN([multiply(squared, a), squared, a, a])); // a^3 + a^2 + 2 a
    });
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([27 + 6 + 2]);
  });

  it('takes both sides of one operation for the same tensor', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => total(multiply(a, a)));
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([6]);
  });

  it('gives gradients of what lies between as well as of the start', () => {
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

  it('gives one for the gradient of a scalar in itself', () => {
    const a = tf.scalar(3);
    expect(valuesOf(new Tape([a]).gradients(a, [a])[0]!)).toEqual([1]);
  });

  it('ignores what was computed after y', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => {
      const result = total(square(a));
      total(multiply(result, a));
      return result;
    });
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual([6]);
  });

  it('may be asked twice', () => {
    const a = vector(3);
    const tape = new Tape([a]);
    const y = tape.record(() => total(square(a)));
    const first = valuesOf(tape.gradients(y, [a])[0]!);
    expect(valuesOf(tape.gradients(y, [a])[0]!)).toEqual(first);
  });

  it('records gradients that are taken while it records, to any order', () => {
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

  it('does not record gradients that are taken outside', () => {
    const a = vector(2);
    const tape = new Tape([a]);
    const y = tape.record(() => total(multiply(square(a), a)));
    const [first] = tape.gradients(y, [a]);
    const penalty = tape.record(() => total(square(first!)));
    expect(() => tape.gradients(penalty, [a])).toThrow(RangeError);
  });
});

describe('several tapes', () => {
  it('nest: the innermost records, and the outer one goes on after it', () => {
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

  it('go back to the outer tape after an error', () => {
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

  it('take turns as the two sides of a training step do', () => {
    const generator = vector(2);
    const judge = vector(3);
    const generatorTape = new Tape([generator]);
    const made = generatorTape.record(() => square(generator)); // 4
    // The judge's tape sees the picture as a constant.
    const judgeTape = new Tape([judge]);
    const judgeLoss = judgeTape.record(() => total(multiply(judge, made)));
    const [judgeGradient] = judgeTape.gradients(judgeLoss, [judge]);
    expect(valuesOf(judgeGradient!)).toEqual([4]);
    const updated = add(judge, judgeGradient!); // 7
    // The generator's tape goes on where it was, and sees the judge as a constant.
    const loss = generatorTape.record(() => total(multiply(updated, made)));
    expect(valuesOf(generatorTape.gradients(loss, [generator])[0]!)).toEqual([28]);
    expect(() => generatorTape.gradients(loss, [judge])).toThrow(RangeError);
  });
});

describe('differentiable', () => {
  it('refuses a gradient of another shape than its input', () => {
    const a = vector(1, 2);
    const tape = new Tape([a]);
    const y = tape.record(() => total(differentiable([a], tf.square(a), [() => tf.scalar(1)])));
    expect(() => tape.gradients(y, [a])).toThrow(/gradient of shape \[\] for a tensor of shape \[2\]/);
  });

  it('runs only the pullbacks of inputs on the way', () => {
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
