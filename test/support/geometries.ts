// Geometries of convolutions to test.
import type { ConvGeometry } from '../../src/runtime/kernels.js';

/** Every kind of convolution in the networks, and some others: name, geometry, filter size. */
export const GEOMETRIES: [string, ConvGeometry, number][] = [
  ['3x3, same', { stride: 1, padding: [1, 1] }, 3],
  ['3x3, stride 2, no padding', { stride: 2, padding: [0, 0] }, 3],
  ['3x3, stride 2, padded unevenly', { stride: 2, padding: [0, 1] }, 3],
  ['4x4, padded 2 and 1', { stride: 1, padding: [2, 1] }, 4],
  ['5x5, stride 4, padding 2', { stride: 4, padding: [2, 2] }, 5],
  ['1x1', { stride: 1, padding: [0, 0] }, 1],
];
/** Convolutions with filters that are not square: name, geometry, filter height and width. */
export const OBLONG: [string, ConvGeometry, number, number][] = [
  ['1x5, same', { stride: 1, padding: [0, 0], sidePadding: [2, 2] }, 1, 5],
  ['5x1, same', { stride: 1, padding: [2, 2], sidePadding: [0, 0] }, 5, 1],
  ['3x4, stride 2, padded unevenly', { stride: 2, padding: [1, 0], sidePadding: [2, 1] }, 3, 4],
];
/** Odd sides, px. */
export const HEIGHT = 9;
export const WIDTH = 7;
/** The side of a convolution's result, or its height if left and right have a padding of their own. */
export const outSide = (side: number, { stride, padding }: ConvGeometry, filter: number): number =>
  Math.floor((side + padding[0] + padding[1] - filter) / stride) + 1;
/** The width of a convolution's result. */
export const outWidth = (
  side: number,
  { stride, padding, sidePadding }: ConvGeometry,
  filter: number,
): number => outSide(side, { stride, padding: sidePadding ?? padding }, filter);
