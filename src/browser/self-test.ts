// Checks that a browser backend computes convolutions correctly.
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

/**
 * Computes a convolution and its adjoint with the current kernels. It compares the convolution with plain loops, and checks
 * the adjoint by its defining equation <Ax, y> = <x, A'y>.
 *
 * @throws Error if the numbers are wrong.
 */
export async function selfTest(): Promise<void> {
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
