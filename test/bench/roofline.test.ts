import { describe, expect, it } from 'vitest';
import {
  CARDS,
  type Card,
  floorOf,
  LAUNCH_SECONDS,
  MATRIX_EFFICIENCY,
  MEMORY_EFFICIENCY,
} from '../../src/bench/roofline.js';
import type { KernelWork } from '../../src/runtime/capture/cost.js';

const card: Card = {
  name: 'made up',
  memoryBytes: 1e9,
  bytesPerSecond: 1e9,
  flopsPerSecond: { float32: 1e9, tf32: 4e9, bfloat16: 8e9 },
  source: 'this test',
};
const work = (changes: Partial<KernelWork>): KernelWork => ({
  op: 'Conv2D',
  isMatrix: true,
  isBfloat16: false,
  flops: 0,
  bytes: 0,
  ...changes,
});

describe('floorOf', () => {
  it('adds the longer of computing time and memory time of each kernel', () => {
    const computing = work({ flops: 1e9, bytes: 1 });
    const moving = work({ flops: 1, bytes: 1e9 });
    const seconds = (works: KernelWork[]) => floorOf(works, card, 'float32').gpuSeconds;
    expect(seconds([computing])).toBeCloseTo(1 / MATRIX_EFFICIENCY, 12);
    expect(seconds([moving])).toBeCloseTo(1 / MEMORY_EFFICIENCY, 12);
    expect(seconds([computing, moving])).toBeCloseTo(1 / MATRIX_EFFICIENCY + 1 / MEMORY_EFFICIENCY, 12);
  });

  it('uses the given rate for float32 kernels, and the bfloat16 rate for bfloat16 kernels', () => {
    const product = work({ flops: 8e9 });
    expect(floorOf([product], card, 'tf32').gpuSeconds).toBeCloseTo(2 / MATRIX_EFFICIENCY, 12);
    const rounded = work({ flops: 8e9, isBfloat16: true });
    expect(floorOf([rounded], card, 'float32').gpuSeconds).toBeCloseTo(1 / MATRIX_EFFICIENCY, 12);
  });

  it('counts only memory traffic for other kernels, and one launch for every kernel', () => {
    const sum = work({ op: 'AddN', isMatrix: false, flops: 1e12, bytes: 0 });
    expect(floorOf([sum, sum], card, 'tf32')).toEqual({ gpuSeconds: 0, launchSeconds: 2 * LAUNCH_SECONDS });
  });
});

describe('CARDS', () => {
  it('are faster in arithmetic with fewer bits', () => {
    for (const { flopsPerSecond } of CARDS) {
      expect(flopsPerSecond.tf32).toBeGreaterThanOrEqual(flopsPerSecond.float32);
      expect(flopsPerSecond.bfloat16).toBeGreaterThan(flopsPerSecond.tf32);
    }
  });
});
