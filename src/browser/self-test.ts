// Checks that a browser backend computes sums and convolutions correctly.
import * as tf from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';

const SIDE = 9;
const CHANNELS = { in: 3, out: 4 };
const FILTER = 3;
/** Tolerance relative to the largest number. Half precision, which some GPU backends use silently, exceeds it. */
const TOLERANCE = 1e-4;

/** Makes irregular numbers in about [-1, 1]. */
function numbers(count: number, from: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(1 + from + 1.7 * i + 0.01 * i * i));
}

/** Convolves `[side, side, in]` with `[3, 3, in, out]` at stride 2 in plain loops. @returns `[4, 4, out]`. */
function plainConvolution(x: Float32Array, filter: Float32Array, side: number): Float32Array {
  const result = new Float32Array(side * side * CHANNELS.out);
  for (let i = 0; i < result.length; i++) {
    const out = i % CHANNELS.out;
    const column = Math.floor(i / CHANNELS.out) % side;
    const row = Math.floor(i / CHANNELS.out / side);
    let total = 0;
    for (let tap = 0; tap < FILTER * FILTER; tap++) {
      const pixel = (2 * row + Math.floor(tap / FILTER)) * SIDE + 2 * column + (tap % FILTER);
      for (let c = 0; c < CHANNELS.in; c++)
        total += x[pixel * CHANNELS.in + c]! * filter[(tap * CHANNELS.in + c) * CHANNELS.out + out]!;
    }
    result[i] = total;
  }
  return result;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Numbers of one sum. */
const LONG = 4096;
/** Relative. 32 bits hold these whole numbers exactly; 16 bits are wrong by 8e-5 or more. */
const SUM_TOLERANCE = 1e-5;

/**
 * Compares sums of squares, also as products of matrices, with the right ones. Phones keep numbers in
 * textures of 16 bits: those end at 65504, and lose the small terms of a sum beside a large one.
 *
 * @throws Error if a sum is not exact.
 */
async function testLargeSums(): Promise<void> {
  // The first column exceeds the range of 16 bits, and the second exceeds their digits.
  const rows = Float32Array.from({ length: 2 * LONG }, (_, i) => {
    if (i % 2 === 0) return (i % 23) - 11;
    return i === 1 ? 100 : Number(i % 3 === 0);
  });
  const squares = [0, 0];
  for (const [i, value] of rows.entries()) squares[i % 2]! += value * value;
  const [sums, products] = tf.tidy(() => {
    const columns = tf.tensor2d(rows, [LONG, 2]);
    return [
      kernels().sum(kernels().square(columns), [0], false),
      kernels().matMul(columns, columns, true, false),
    ];
  }) as [tf.Tensor, tf.Tensor];
  const [sum, product] = await Promise.all([sums.data<'float32'>(), products.data<'float32'>()]);
  tf.dispose([sums, products]);
  // The negation makes NaN fail.
  for (const [i, expected] of squares.entries())
    for (const found of [sum[i]!, product[3 * i]!])
      if (!(Math.abs(found - expected) <= SUM_TOLERANCE * expected))
        throw new Error(
          `it adds large numbers wrongly (${found} instead of ${expected}), as GPUs do that keep 16 bits of a number`,
        );
}

/**
 * Checks large sums. Then computes a convolution and its adjoint with the current kernels. It compares the convolution with plain loops, and checks
 * the adjoint by its defining equation <Ax, y> = <x, A'y>.
 *
 * @throws Error if the numbers are wrong.
 */
export async function selfTest(): Promise<void> {
  await testLargeSums();
  const side = (SIDE - FILTER) / 2 + 1;
  const xs = numbers(SIDE * SIDE * CHANNELS.in, 0);
  const taps = numbers(FILTER * FILTER * CHANNELS.in * CHANNELS.out, 5);
  const dys = numbers(side * side * CHANNELS.out, 9);
  const geometry = { stride: 2, padding: [0, 0] } as const;
  const [y, dx] = tf.tidy(() => {
    const x = tf.tensor4d(xs, [1, SIDE, SIDE, CHANNELS.in]);
    const filter = tf.tensor4d(taps, [FILTER, FILTER, CHANNELS.in, CHANNELS.out]);
    const dy = tf.tensor4d(dys, [1, side, side, CHANNELS.out]);
    return [
      kernels().conv2d(x, filter, geometry),
      kernels().conv2dInputGradient(x.shape, filter, dy, geometry),
    ];
  }) as [tf.Tensor, tf.Tensor];
  const [ys, dxs] = await Promise.all([y.data<'float32'>(), dx.data<'float32'>()]);
  tf.dispose([y, dx]);
  const expected = plainConvolution(xs, taps, side);
  const largest = Math.max(...expected.map(Math.abs));
  const error = Math.max(...expected.map((value, i) => Math.abs(value - ys[i]!))) / largest;
  const forward = dot(ys, dys);
  const adjointError = Math.abs(forward - dot(xs, dxs)) / (largest * Math.sqrt(dys.length));
  // The negation makes NaN fail.
  if (!(error <= TOLERANCE && adjointError <= TOLERANCE))
    throw new Error(
      `it computes convolutions wrongly (error ${Math.max(error, adjointError).toExponential(1)})`,
    );
}
