import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { spectrumLoss } from '../../src/losses/spectrum.js';
import { loadEngine } from '../../src/runtime/node.js';
import { checkGradients } from '../support/gradients.js';
import { randomTensor, valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const SIZE = 8;

/** log10 of the power at k cycles along the lines of one image, term by term. */
function logPower(lines: readonly number[][], k: number): number {
  const powers = lines.map((line) => {
    let [cosines, sines] = [0, 0];
    for (const [at, value] of line.entries()) {
      cosines += value * Math.cos((2 * Math.PI * k * at) / SIZE);
      sines += value * Math.sin((2 * Math.PI * k * at) / SIZE);
    }
    return cosines ** 2 + sines ** 2;
  });
  const rounding = ((2 / 255) ** 2 / 12) * SIZE * (3 / 8) ** 2;
  return Math.log10(powers.reduce((a, b) => a + b) / SIZE + rounding);
}

/** Mean log powers of images: 1 to SIZE / 2 cycles along rows, then along columns. */
function meanLogPowers(images: tf.Tensor): number[] {
  const count = images.shape[0]!;
  const values = valuesOf(images);
  const hann = (i: number): number => Math.sin((Math.PI * (i + 0.5)) / SIZE) ** 2;
  const sums = new Array<number>(SIZE).fill(0);
  for (let image = 0; image < count; image++) {
    const lightness = (row: number, column: number): number => {
      const first = ((image * SIZE + row) * SIZE + column) * 3;
      return (values[first]! + values[first + 1]! + values[first + 2]!) / 3;
    };
    const places = Array.from({ length: SIZE }, (_, i) => i);
    const mean =
      places.flatMap((row) => places.map((column) => lightness(row, column))).reduce((a, b) => a + b) /
      SIZE ** 2;
    const rows = places.map((row) =>
      places.map((column) => (lightness(row, column) - mean) * hann(row) * hann(column)),
    );
    const columns = places.map((column) => rows.map((row) => row[column]!));
    for (let k = 1; k <= SIZE / 2; k++) {
      sums[k - 1]! += logPower(rows, k) / count;
      sums[SIZE / 2 + k - 1]! += logPower(columns, k) / count;
    }
  }
  return sums;
}

describe('spectrum loss', () => {
  const translated = (): tf.Tensor => randomTensor(1, [2, SIZE, SIZE, 3], 0, 0.5);
  const real = (): tf.Tensor => randomTensor(2, [2, SIZE, SIZE, 3], 0, 0.2);

  it('is the mean square difference of mean log spectra, as a transform term by term has them', () => {
    const others = meanLogPowers(real());
    const squares = meanLogPowers(translated()).map((value, i) => (value - others[i]!) ** 2);
    const loss = spectrumLoss(translated(), real());
    expect(loss.shape).toEqual([]);
    expect(valuesOf(loss)[0]).toBeCloseTo(squares.reduce((a, b) => a + b) / SIZE, 4);
  });

  it('is 0 of the same images in another order, mirrored and in other colours of the same lightness', () => {
    const flipped = tf.reverse(tf.reverse(real(), [0, 2]), [3]);
    expect(valuesOf(spectrumLoss(flipped, real()))[0]).toBeLessThan(1e-9);
  });

  it('is 1 of images at less than a third of the contrast, 10 dB less', () => {
    const dim = tf.mul(translated(), Math.sqrt(0.1));
    expect(valuesOf(spectrumLoss(dim, translated()))[0]).toBeCloseTo(1, 2);
  });

  it('does not see detail that rounding to 8 bits would hide', () => {
    const [flat, faint] = [tf.zerosLike(real()), tf.mul(real(), 1e-4)];
    expect(valuesOf(spectrumLoss(flat, faint))[0]).toBeLessThan(1e-3);
  });

  it('has the right gradients', () => {
    checkGradients((images) => spectrumLoss(images!, real()), [translated()], 1);
  });
});
