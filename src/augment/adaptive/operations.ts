import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { addN, broadcastTo, reshape, scaleBy } from '../../ops/arithmetic.js';
import { differentiable } from '../../ops/autodiff.js';
import { concat, gatherRows, pad, rows } from '../../ops/shape.js';
import { kernels } from '../../runtime/kernels.js';

/** Float32 counts pixels exactly up to here. */
const COUNTABLE_PIXELS = 2 ** 24;

/** One of the four pixels around each sampling position: its row in the list of pixels, int32 `[m]`, and its weight `[m, 1]`. */
interface Tap {
  indices: Tensor;
  weight: Tensor;
}

/** `[n, 3]` of one axis as three `[n, 1, 1]`. */
function columns(matrix: Tensor): Tensor[] {
  const count = matrix.shape[0]!;
  return [0, 1, 2].map((k) => kernels().reshape(kernels().slice(matrix, [0, k], [count, 1]), [count, 1, 1]));
}

/**
 * Where every pixel comes from, mirrored at the centres of the border pixels as often as it takes: `[n, 6]` to
 * `[n, 2, size * size]`, x and y from 0 to `size - 1`. Not a matrix product: on a GPU that may keep 10 bits only.
 */
function samplingPositions(matrices: Tensor, size: number): Tensor {
  const k = kernels();
  const count = matrices.shape[0]!;
  const [byX, byY, offset] = columns(k.reshape(matrices, [2 * count, 3]));
  const along = tf.tensor1d(Float32Array.from({ length: size }, (_, i) => i));
  const x = k.multiply(byX!, k.reshape(along, [1, 1, size]));
  const y = k.add(k.multiply(byY!, k.reshape(along, [1, size, 1])), offset!);
  const position = k.add(x, y); // [2 n, size, size]
  const last = size - 1;
  const periods = k.floor(k.affine(position, 1 / (2 * last), 0));
  const within = k.subtract(position, k.affine(periods, 2 * last, 0));
  // The outer abs is for rounding just below 0.
  const mirrored = k.abs(k.affine(k.abs(k.affine(within, 1, -last)), -1, last));
  return k.reshape(mirrored, [count, 2, size * size]);
}

/** The taps of bilinear sampling in pictures with a border of one pixel more, right and below. */
function bilinearTaps(matrices: Tensor, size: number): Tap[] {
  const k = kernels();
  const count = matrices.shape[0]!;
  const total = count * size * size;
  const positions = samplingPositions(matrices, size);
  const low = k.floor(positions);
  const fraction = k.subtract(positions, low);
  const axis = (of: Tensor, i: number, shape: number[]): Tensor =>
    k.reshape(k.slice(of, [0, i, 0], [count, 1, size * size]), shape);
  const [right, below] = [0, 1].map((i) => axis(fraction, i, [total, 1]));
  const [left, above] = [right!, below!].map((weight) => k.affine(weight, -1, 1));
  const width = size + 1;
  const starts = tf.tensor2d(
    Float32Array.from({ length: count }, (_, i) => i * width * width),
    [count, 1],
  );
  const [column, row] = [0, 1].map((i) => axis(low, i, [count, size * size]));
  const first = k.add(k.add(k.affine(row!, width, 0), column!), starts);
  const tap = (step: number, horizontal: Tensor, vertical: Tensor): Tap => ({
    indices: k.toInt32(k.reshape(k.affine(first, 1, step), [total])),
    weight: k.multiply(horizontal, vertical),
  });
  return [
    tap(0, left!, above!),
    tap(1, right!, above!),
    tap(width, left!, below!),
    tap(width + 1, right!, below!),
  ];
}

/**
 * Warps pictures `[n, size, size, 3]`: bilinear, mirrored at the border without doubling its pixels. Differentiable in
 * the pictures, to any order. An identity matrix gives the picture bit for bit, and so do mirroring, turns by 90 degrees
 * and shifts by whole pixels.
 *
 * Positions and weights are computed from the matrices on the device: 24 bytes a picture are fed instead of 32 a pixel.
 * The paper's pipeline resamples at twice the size between wavelet filters (sym6), against aliasing; that is left out: it
 * takes four times the pixels, pictures seldom shrink by more than a third, and what it adds, real and made ones have alike.
 *
 * @param matrices `[n, 6]`: from a pixel of the result to its place in the picture, px (`samplingMatrix`); constant to all tapes.
 * @param countable how many pixels there may be at a time; more are warped in halves.
 */
export function warpPictures(images: Tensor, matrices: Tensor, countable = COUNTABLE_PIXELS): Tensor {
  const [count, size, , channels] = images.shape as [number, number, number, number];
  const width = size + 1;
  if (count > 1 && count * width * width > countable) {
    const half = count >> 1;
    const part = (from: number, length: number): Tensor =>
      warpPictures(rows(images, from, length), rows(matrices, from, length), countable);
    return concat([part(0, half), part(half, count - half)], 0);
  }
  // What lies in the border only ever has weight 0.
  const bordered = pad(images, [
    [0, 0],
    [0, 1],
    [0, 1],
    [0, 0],
  ]);
  const pixels = reshape(bordered, [count * width * width, channels]);
  const terms = bilinearTaps(matrices, size).map(({ indices, weight }) =>
    scaleBy(gatherRows(pixels, indices), weight),
  );
  return reshape(addN(terms), images.shape);
}

/** Every pixel's channels times a matrix of its picture, given by its columns and by its rows, `[n, 1, 1, 3]` each. */
function mixChannels(x: Tensor, byColumn: readonly Tensor[], byRow: readonly Tensor[]): Tensor {
  const k = kernels();
  const [count, height, width] = x.shape as [number, number, number];
  const terms = byColumn.map((column, channel) =>
    k.multiply(k.slice(x, [0, 0, 0, channel], [count, height, width, 1]), column),
  );
  return differentiable([x], k.addN(terms), [(dy) => mixChannels(dy, byRow, byColumn)]);
}

/**
 * Maps the colours of pictures `[n, size, size, 3]`, each with its own matrix. Differentiable in the pictures, to any
 * order. Sums of products of elements, not matrix products, for the same reason as above; nothing is clipped.
 *
 * @param matrices `[n, 3, 4]` (`colourMatrix`); constant to all tapes.
 */
export function recolour(images: Tensor, matrices: Tensor): Tensor {
  const k = kernels();
  const count = images.shape[0]!;
  const line = (begin: number[], extent: number[]): Tensor =>
    k.reshape(k.slice(matrices, begin, extent), [count, 1, 1, 3]);
  const column = (i: number): Tensor => line([0, 0, i], [count, 3, 1]);
  const row = (i: number): Tensor => line([0, i, 0], [count, 1, 3]);
  const channels = [0, 1, 2];
  const mixed = mixChannels(images, channels.map(column), channels.map(row));
  return addN([mixed, broadcastTo(column(3), images.shape)]);
}
