import type { ConvGeometry } from '../../src/runtime/kernels.js';

/** Convolutions of every kind that the networks use, and some that they do not: name, geometry, filter size. */
export const GEOMETRIES: [string, ConvGeometry, number][] = [
  ['3x3, same', { stride: 1, padding: [1, 1] }, 3],
  ['3x3, stride 2, no padding', { stride: 2, padding: [0, 0] }, 3],
  ['3x3, stride 2, padded unevenly', { stride: 2, padding: [0, 1] }, 3],
  ['4x4, padded 2 and 1', { stride: 1, padding: [2, 1] }, 4],
  ['5x5, stride 4, padding 2', { stride: 4, padding: [2, 2] }, 5],
  ['1x1', { stride: 1, padding: [0, 0] }, 1],
];
/** Odd sides, px. */
export const HEIGHT = 9;
export const WIDTH = 7;
/** The side of what a convolution gives. */
export const outSide = (side: number, { stride, padding }: ConvGeometry, filter: number): number =>
  Math.floor((side + padding[0] + padding[1] - filter) / stride) + 1;
