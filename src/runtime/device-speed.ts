// Measures how fast the device multiplies matrices and convolves.
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Arithmetic, capture, type Program } from './capture/capture.js';
import { kernels } from './kernels.js';

/** Sizes double until one run takes at least this long, seconds. */
const ENOUGH_SECONDS = 0.02;
const PRODUCT_SIZES = [256, 512, 1024, 2048, 4096];
const CONVOLUTION_SIZES = [8, 16, 32, 64, 128, 256];
const CONVOLUTION_CHANNELS = 256;
/** Applications in one run: many, so that the time of the call itself is negligible. */
const CHAIN = 16;
/** Timed runs; the fastest counts. */
const RUNS = 2;

interface Workload {
  shape: number[];
  weights: number[];
  /** Floating-point operations of one application. */
  flop: number;
  apply: (x: Tensor, weights: Tensor) => Tensor;
}

function productOf(size: number): Workload {
  const apply = (x: Tensor, weights: Tensor) => kernels().matMul(x, weights, false, false);
  return { shape: [size, size], weights: [size, size], flop: 2 * size ** 3, apply };
}

function convolutionOf(side: number): Workload {
  const channels = CONVOLUTION_CHANNELS;
  return {
    shape: [1, side, side, channels],
    weights: [3, 3, channels, channels],
    flop: 2 * 9 * side * side * channels * channels,
    apply: (x, weights) => kernels().conv2d(x, weights, { stride: 1, padding: [1, 1] }),
  };
}

/** Measures a workload in a captured program whose operands are created on the device: FLOP/s, and seconds of a run. */
function measure({ shape, weights, flop, apply }: Workload, arithmetic: Arithmetic) {
  const channels = shape.at(-1)!;
  const input = { shape: [channels], dtype: 'float32' } as const;
  const program: Program = {
    inputs: { row: input },
    run: (_, { row }) => {
      const operand = kernels().broadcastTo(row!, weights);
      let x = kernels().broadcastTo(row!, shape);
      for (let i = 0; i < CHAIN; i++) x = apply(x, operand);
      return { outputs: { sum: kernels().sum(x, [...shape.keys()], false) } };
    },
  };
  // Small enough that the chain stays finite.
  const row = Float32Array.from({ length: channels }, (_, i) => Math.sin(i) / channels);
  const programs = capture({ program }, {}, { arithmetic });
  try {
    // The first run chooses algorithms and compiles kernels.
    programs.run('program', { row });
    let seconds = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RUNS; i++) {
      const began = performance.now();
      programs.run('program', { row });
      seconds = Math.min(seconds, (performance.now() - began) / 1000);
    }
    return { seconds, flops: (CHAIN * flop) / seconds };
  } finally {
    programs.dispose();
  }
}

/** Speed at the first size that keeps the device busy, FLOP/s; null if the smallest size fails. */
function speedOf(
  workload: (size: number) => Workload,
  sizes: number[],
  arithmetic: Arithmetic,
): number | null {
  let flops: number | null = null;
  for (const size of sizes) {
    try {
      const measured = measure(workload(size), arithmetic);
      flops = measured.flops;
      if (measured.seconds >= ENOUGH_SECONDS) break;
    } catch {
      // Out of memory, for example: the speed at the previous size stands.
      break;
    }
  }
  return flops;
}

/** Speed of a large matrix product, FLOP/s; null if it fails. */
export const productSpeed = (arithmetic: Arithmetic): number | null =>
  speedOf(productOf, PRODUCT_SIZES, arithmetic);

/** Speed of a 3x3 convolution of 256 channels, FLOP/s; null if it fails. */
export const convolutionSpeed = (arithmetic: Arithmetic): number | null =>
  speedOf(convolutionOf, CONVOLUTION_SIZES, arithmetic);
