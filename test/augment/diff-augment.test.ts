import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  adjustTones,
  cutOut,
  cutoutSpans,
  type DiffAugmentation,
  drawDiffAugmentation,
  shiftFrame,
  shiftImages,
  shiftMatrix,
  toneMatrix,
} from '../../src/augment/diff-augment.js';
import { Rng } from '../../src/base/rng.js';
import { square } from '../../src/ops/arithmetic.js';
import { loadEngine } from '../../src/runtime/node.js';
import { checkGradients } from '../support/gradients.js';
import { indicesOf, randomTensor, valuesOf } from '../support/tensors.js';

const SIZE = 8;
const COUNT = 4;

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const images = (): tf.Tensor => randomTensor(1, [COUNT, SIZE, SIZE, 3], 0.2);
const drawn = (): DiffAugmentation[] => {
  const rng = new Rng(5);
  return Array.from({ length: COUNT }, () => drawDiffAugmentation(SIZE, rng));
};
const tones = () => tf.tensor3d(drawn().map((one) => toneMatrix(one).map((row) => [...row])));
const shifts = () => tf.tensor2d(drawn().map((one) => [...shiftMatrix(one)]));
const spans = (of: (one: DiffAugmentation, size: number) => number[]) =>
  tf.tensor3d(
    drawn().flatMap((one) => of(one, SIZE)),
    [COUNT, 2, SIZE],
  );

const toned = (x: tf.Tensor): tf.Tensor => adjustTones(x, tones());
const shifted = (x: tf.Tensor): tf.Tensor => shiftImages(x, shifts(), spans(shiftFrame));
const withCutouts = (x: tf.Tensor): tf.Tensor => cutOut(x, spans(cutoutSpans));

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A pixel's place in the values of a batch. */
const at = (n: number, row: number, column: number, channel = 0): number =>
  ((n * SIZE + row) * SIZE + column) * 3 + channel;

/** The colour transforms of one image one after the other, each as the paper's code words it. */
function slowTones(
  values: readonly number[],
  { brightness, saturation, contrast }: DiffAugmentation,
): number[] {
  const lit = values.map((value) => value + brightness);
  const saturated = lit.map((value, i) => {
    const first = i - (i % 3);
    const grey = average(lit.slice(first, first + 3));
    return (value - grey) * saturation + grey;
  });
  const mean = average(saturated);
  return saturated.map((value) => (value - mean) * contrast + mean);
}

function expectClose(actual: tf.Tensor, expected: readonly number[]): void {
  const values = valuesOf(actual);
  expect(values.length).toBe(expected.length);
  const worst = Math.max(...values.map((value, i) => Math.abs(value - expected[i]!)));
  expect(worst).toBeLessThan(5e-6);
}

describe('DiffAugment', () => {
  it('draws from the ranges of the paper, and reaches both ends of whole pixels', () => {
    const rng = new Rng(3);
    const many = Array.from({ length: 4000 }, () => drawDiffAugmentation(32, rng));
    const range = (of: (one: DiffAugmentation) => number): [number, number] => {
      const values = many.map(of);
      return [Math.min(...values), Math.max(...values)];
    };
    const covers = ([low, high]: [number, number], from: number, to: number): void => {
      expect(low).toBeGreaterThanOrEqual(from);
      expect(high).toBeLessThanOrEqual(to);
      expect(high - low).toBeGreaterThan(0.99 * (to - from));
    };
    covers(
      range((one) => one.brightness),
      -0.5,
      0.5,
    );
    covers(
      range((one) => one.saturation),
      0,
      2,
    );
    covers(
      range((one) => one.contrast),
      0.5,
      1.5,
    );
    for (const axis of [0, 1] as const) {
      expect(range((one) => one.shift[axis])).toEqual([-4, 4]);
      expect(range((one) => one.cutout[axis])).toEqual([0, 32]);
    }
  });

  it('changes brightness, saturation and contrast as they are computed one after the other', () => {
    const values = valuesOf(images());
    const perImage = SIZE * SIZE * 3;
    const expected = drawn().flatMap((one, n) =>
      slowTones(values.slice(n * perImage, (n + 1) * perImage), one),
    );
    expectClose(toned(images()), expected);
  });

  it('shifts by whole pixels bit for bit, and fills with 0', () => {
    const values = valuesOf(images());
    const expected = indicesOf([COUNT, SIZE, SIZE, 3]).map(([n, row, column, channel]) => {
      const [x, y] = drawn()[n!]!.shift;
      const [fromRow, fromColumn] = [row! - y, column! - x];
      const isInside = fromRow >= 0 && fromRow < SIZE && fromColumn >= 0 && fromColumn < SIZE;
      return isInside ? values[at(n!, fromRow, fromColumn, channel)]! : 0;
    });
    expect(drawn().some(({ shift }) => shift[0] !== 0 && shift[1] !== 0)).toBe(true);
    expect(valuesOf(shifted(images())).map((value) => value + 0)).toEqual(expected);
  });

  it('cuts a square of half the side out around its centre, as far as it is in the image', () => {
    const values = valuesOf(images());
    const expected = indicesOf([COUNT, SIZE, SIZE, 3]).map(([n, row, column, channel]) => {
      const [x, y] = drawn()[n!]!.cutout;
      const inSpan = (position: number, centre: number) =>
        position >= centre - SIZE / 4 && position < centre + SIZE / 4;
      return inSpan(row!, y) && inSpan(column!, x) ? 0 : values[at(n!, row!, column!, channel)]!;
    });
    expect(expected.filter((value) => value === 0).length).toBeGreaterThan(0);
    expect(valuesOf(withCutouts(images())).map((value) => value + 0)).toEqual(expected);
  });

  it('is differentiable twice in the images', () => {
    for (const transform of [toned, shifted, withCutouts])
      checkGradients((x) => transform(square(x!)), [images()], 2);
  });
});
