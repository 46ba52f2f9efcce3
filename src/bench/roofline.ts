// Lower bounds on the time that a GPU needs for a program, from what its kernels compute and move.
import type { KernelWork } from '../runtime/capture/cost.js';

/** The arithmetic of float32 convolutions and products. Kernels recorded in bfloat16 multiply in bfloat16. */
export type Float32Products = 'float32' | 'tf32';

/** A GPU with its vendor's figures. */
export interface Card {
  name: string;
  memoryBytes: number;
  /** Memory bandwidth. */
  bytesPerSecond: number;
  /** Rate of dense products that are summed in float32, at the boost clock. */
  flopsPerSecond: Readonly<Record<Float32Products | 'bfloat16', number>>;
  source: string;
}

/** GPUs from public data sheets; figures that the sheets give for sparse matrices are halved. */
export const CARDS: readonly Card[] = [
  {
    name: 'H100 SXM',
    memoryBytes: 80e9,
    bytesPerSecond: 3.35e12,
    flopsPerSecond: { float32: 67e12, tf32: 494.7e12, bfloat16: 989.4e12 },
    source: 'NVIDIA H100 Tensor Core GPU data sheet',
  },
  {
    name: 'A100 SXM 80 GB',
    memoryBytes: 80e9,
    bytesPerSecond: 2.039e12,
    flopsPerSecond: { float32: 19.5e12, tf32: 156e12, bfloat16: 312e12 },
    source: 'NVIDIA A100 Tensor Core GPU data sheet',
  },
  {
    name: 'RTX 4090',
    memoryBytes: 24e9,
    bytesPerSecond: 1.008e12,
    flopsPerSecond: { float32: 82.6e12, tf32: 82.6e12, bfloat16: 165.2e12 },
    source: 'NVIDIA Ada GPU Architecture, appendix A',
  },
];

/** Assumed fraction of the peak that convolutions and products reach. */
export const MATRIX_EFFICIENCY = 0.5;
/** Assumed fraction of the memory bandwidth that kernels reach. */
export const MEMORY_EFFICIENCY = 0.75;
/** Assumed time of the host to launch a kernel, s. */
export const LAUNCH_SECONDS = 5e-6;

/** Two lower bounds of a program's time, s; the larger one counts. */
export interface Floor {
  /** Time of the kernels, one after another. */
  gpuSeconds: number;
  /** Time of the host to launch them. */
  launchSeconds: number;
}

/** The lower bounds of a program: a kernel takes the time of its products or of its memory traffic, whichever is longer. */
export function floorOf(works: readonly KernelWork[], card: Card, products: Float32Products): Floor {
  let gpuSeconds = 0;
  for (const { isMatrix, isBfloat16, flops, bytes } of works) {
    const moving = bytes / (card.bytesPerSecond * MEMORY_EFFICIENCY);
    const rate = card.flopsPerSecond[isBfloat16 ? 'bfloat16' : products] * MATRIX_EFFICIENCY;
    gpuSeconds += Math.max(moving, isMatrix ? flops / rate : 0);
  }
  return { gpuSeconds, launchSeconds: works.length * LAUNCH_SECONDS };
}
