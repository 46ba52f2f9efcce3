import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { type AdamMoments, adamScalars, adamUpdate, emaUpdate, lazyBetas } from '../../src/optim/adam.js';
import { loadEngine } from '../../src/runtime/node.js';
import { relativeError } from '../support/reference.js';
import { valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const STEPS = 6;
const COUNT = 9;
const RATE = 0.02;
const EPSILON = 1e-8;

/** Gradients of very different sizes, one list for each step. */
const gradients = Array.from({ length: STEPS }, (_, step) =>
  Float32Array.from(new Rng(step, 'gradients').normals(COUNT), (value, i) => value * 10 ** (i - 6)),
);
const initial = new Rng(1, 'values').normals(COUNT);

describe.each([
  { first: 0, second: 0.99 },
  { first: 0.9, second: 0.999 },
  { first: 0.5, second: 0.9 },
])('Adam with betas $first and $second', (betas) => {
  /** Kingma and Ba's algorithm 1, number by number, in doubles. */
  function plain(): number[] {
    return Array.from(initial, (start, i) => {
      let [value, m, v] = [start, 0, 0];
      for (let t = 1; t <= STEPS; t++) {
        const gradient = gradients[t - 1]![i]!;
        m = betas.first * m + (1 - betas.first) * gradient;
        v = betas.second * v + (1 - betas.second) * gradient ** 2;
        const [mHat, vHat] = [m / (1 - betas.first ** t), v / (1 - betas.second ** t)];
        value -= (RATE * mHat) / (Math.sqrt(vHat) + EPSILON);
      }
      return value;
    });
  }

  function ours(withFirst: boolean, gains?: number[]): number[] {
    // A gain makes the parameter larger by that factor, and its gradient smaller.
    const gainAt = (i: number): number => gains?.[i] ?? 1;
    const isSame = gains?.every((gain) => gain === gains[0]) ?? true;
    const gain = isSame ? gainAt(0) : tf.tensor1d(gains!);
    let value: tf.Tensor = tf.tensor1d(initial.map((start, i) => start * gainAt(i)));
    let moments: AdamMoments = {
      second: tf.zeros([COUNT]),
      ...(withFirst && { first: tf.zeros([COUNT]) }),
    };
    gradients.forEach((gradient, step) => {
      const { stepSize, rootCorrection } = adamScalars(RATE, betas, step + 1);
      const scalars = { stepSize: tf.scalar(stepSize), rootCorrection: tf.scalar(rootCorrection) };
      const scaled = tf.tensor1d(gradient.map((entry, i) => entry / gainAt(i)));
      ({ value, moments } = adamUpdate(value, scaled, moments, betas, scalars, {
        gain,
        step: gain,
      }));
    });
    expect(moments.first !== undefined).toBe(withFirst);
    return valuesOf(value).map((entry, i) => entry / gainAt(i));
  }

  it('updates parameters as a plain loop does', () => {
    expect(relativeError(ours(true), plain())).toBeLessThan(1e-6);
    if (betas.first === 0) expect(relativeError(ours(false), plain())).toBeLessThan(1e-6);
  });

  it.each([
    ['one gain', Array<number>(COUNT).fill(0.03)],
    ['a gain for each element', Array.from({ length: COUNT }, (_, i) => 0.01 * (i + 1))],
  ])('with %s updates as if a smaller parameter were scaled at every use', (_, gains) => {
    expect(relativeError(ours(true, gains), plain())).toBeLessThan(1e-5);
    if (betas.first === 0) expect(relativeError(ours(false, gains), plain())).toBeLessThan(1e-5);
  });

  it('moves by about the learning rate in the first step, whatever the size of the gradient', () => {
    const { stepSize, rootCorrection } = adamScalars(RATE, betas, 1);
    const scalars = { stepSize: tf.scalar(stepSize), rootCorrection: tf.scalar(rootCorrection) };
    const moments = { first: tf.zeros([3]), second: tf.zeros([3]) };
    const { value } = adamUpdate(tf.zeros([3]), tf.tensor1d([1e-3, -1, 1e3]), moments, betas, scalars);
    for (const [i, moved] of valuesOf(value).entries()) expect(moved).toBeCloseTo(i === 1 ? RATE : -RATE, 5);
  });
});

describe('Adam with a second beta that changes', () => {
  /** torch.optim.Adam, number by number, where its betas are set anew before each step (R3GAN's training_loop.py). */
  it('updates parameters as a plain loop does that takes the beta of the step', () => {
    const secondAt = (step: number) => 0.9 + 0.015 * step;
    const expected = Array.from(initial, (start, i) => {
      let [value, v] = [start, 0];
      for (let t = 1; t <= STEPS; t++) {
        const beta = secondAt(t - 1);
        const gradient = gradients[t - 1]![i]!;
        v = beta * v + (1 - beta) * gradient ** 2;
        value -= (RATE * gradient) / (Math.sqrt(v / (1 - beta ** t)) + EPSILON);
      }
      return value;
    });
    let value: tf.Tensor = tf.tensor1d(initial);
    let moments: AdamMoments = { second: tf.zeros([COUNT]) };
    gradients.forEach((gradient, step) => {
      const betas = { first: 0, second: secondAt(step) };
      const { stepSize, rootCorrection } = adamScalars(RATE, betas, step + 1);
      const scalars = {
        stepSize: tf.scalar(stepSize),
        rootCorrection: tf.scalar(rootCorrection),
        secondShare: tf.scalar(1 - betas.second),
      };
      // The constants of a captured step are those of step 0.
      const constants = { first: 0, second: secondAt(0) };
      ({ value, moments } = adamUpdate(value, tf.tensor1d(gradient), moments, constants, scalars));
    });
    expect(relativeError(valuesOf(value), expected)).toBeLessThan(1e-6);
  });
});

describe('adamUpdate', () => {
  it('does not change or dispose the old tensors', () => {
    const value = tf.tensor1d([1]);
    const moments = { first: tf.tensor1d([2]), second: tf.tensor1d([3]) };
    const scalars = { stepSize: tf.scalar(0.1), rootCorrection: tf.scalar(1) };
    adamUpdate(value, tf.tensor1d([5]), moments, { first: 0.9, second: 0.99 }, scalars);
    expect([value, moments.first, moments.second].map((tensor) => valuesOf(tensor)[0])).toEqual([1, 2, 3]);
  });
});

describe('lazyBetas', () => {
  it('takes each beta to the power k / (k + 1)', () => {
    const { first, second } = lazyBetas({ first: 0.5, second: 0.99 }, 16);
    expect(first).toBeCloseTo(0.5 ** (16 / 17), 12);
    expect(second).toBeCloseTo(0.99 ** (16 / 17), 12);
    expect(lazyBetas({ first: 0, second: 0.99 }, 16).first).toBe(0);
  });
});

describe('emaUpdate', () => {
  it('averages as a plain loop does', () => {
    const decay = 0.9;
    const values = [1, -2, 4, 8];
    let average: tf.Tensor = tf.tensor1d([1]);
    let expected = 1;
    for (const value of values) {
      average = emaUpdate(average, tf.tensor1d([value]), 1 - decay);
      expected = expected * decay + value * (1 - decay);
    }
    expect(valuesOf(average)[0]).toBeCloseTo(expected, 6);
    expect(valuesOf(emaUpdate(tf.tensor1d([5]), tf.tensor1d([3]), 1))).toEqual([3]);
  });

  it('takes the share of the new value as a tensor too', () => {
    expect(valuesOf(emaUpdate(tf.tensor1d([5, 1]), tf.tensor1d([3, 5]), tf.scalar(0.25)))).toEqual([4.5, 2]);
  });
});
