// Differentiable warps and colour maps of image batches on the device, which adaptive discriminator augmentation applies.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { addN, broadcastTo, reshape, scaleBy } from '../../ops/arithmetic.js';
import { differentiable } from '../../ops/autodiff.js';
import { concat, gatherRows, pad, rows } from '../../ops/shape.js';
import { kernels } from '../../runtime/kernels.js';

/** Float32 counts pixels exactly up to this number. */
const MAX_PIXELS = 2 ** 24;

/** One of the four pixels around each sampling position: int32 row in the list of pixels `[m]`, and weight `[m, 1]`. */
interface Tap {
  indices: Tensor;
  weight: Tensor;
}

/** Splits `[n, 3]` into three columns `[n, 1, 1]`. */
function columns(matrix: Tensor): Tensor[] {
  const count = matrix.shape[0]!;
  return [0, 1, 2].map((k) => kernels().reshape(kernels().slice(matrix, [0, k], [count, 1]), [count, 1, 1]));
}

/**
 * The position that every pixel samples, mirrored at the centres of the border pixels as often as needed: `[n, 6]` to
 * `[n, 2, size * size]`, x and y from 0 to `size - 1`. It avoids a matrix product, which on a GPU may keep 10 bits only.
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
  // The outer abs corrects rounding just below 0.
  const mirrored = k.abs(k.affine(k.abs(k.affine(within, 1, -last)), -1, last));
  return k.reshape(mirrored, [count, 2, size * size]);
}

/** The taps of bilinear sampling in images that are one pixel larger, right and below. */
function bilinearTaps(matrices: Tensor, size: number): Tap[] {
  const k = kernels();
  const count = matrices.shape[0]!;
  const total = count * size * size;
  const positions = samplingPositions(matrices, size);
  const low = k.floor(positions);
  const fraction = k.subtract(positions, low);
  const axis = (values: Tensor, i: number, shape: number[]): Tensor =>
    k.reshape(k.slice(values, [0, i, 0], [count, 1, size * size]), shape);
  const [right, below] = [0, 1].map((i) => axis(fraction, i, [total, 1]));
  const [left, above] = [right!, below!].map((weight) => k.affine(weight, -1, 1));
  const width = size + 1;
  const starts = tf.tensor2d(
    Float32Array.from({ length: count }, (_, i) => i * width * width),
    [count, 1],
  );
  const [column, row] = [0, 1].map((i) => axis(low, i, [count, size * size]));
  const topLeft = k.add(k.add(k.affine(row!, width, 0), column!), starts);
  const tap = (step: number, horizontal: Tensor, vertical: Tensor): Tap => ({
    indices: k.toInt32(k.reshape(k.affine(topLeft, 1, step), [total])),
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
 * Warps images `[n, size, size, 3]`: bilinear, mirrored at the border without repeating its pixels. Differentiable in the
 * images, to any order. An identity matrix, mirroring, turns by 90 degrees and shifts by whole pixels copy pixels bit for
 * bit.
 *
 * The device computes positions and weights from the matrices, so that a step feeds 24 bytes an image instead of 32 a pixel.
 * The paper's pipeline resamples at twice the size between wavelet filters (sym6), against aliasing. This one does not: it
 * would take four times the pixels, images seldom shrink by more than a third, and aliasing affects real images and
 * translations alike.
 *
 * @param matrices `[n, 6]`: from a pixel of the result to its position in the image, px (`samplingMatrix`); constant to tapes.
 * @param maxPixels number of pixels at a time; larger batches are warped in halves.
 */
export function warpImages(images: Tensor, matrices: Tensor, maxPixels = MAX_PIXELS): Tensor {
  const [count, size, , channels] = images.shape as [number, number, number, number];
  const width = size + 1;
  if (count > 1 && count * width * width > maxPixels) {
    const half = count >> 1;
    const part = (from: number, length: number): Tensor =>
      warpImages(rows(images, from, length), rows(matrices, from, length), maxPixels);
    return concat([part(0, half), part(half, count - half)], 0);
  }
  // Pixels of this border only ever have weight 0.
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

/** Multiplies every pixel's channels by a matrix of its image, given by columns and by rows, `[n, 1, 1, 3]` each. */
function mixChannels(x: Tensor, byColumn: readonly Tensor[], byRow: readonly Tensor[]): Tensor {
  const k = kernels();
  const [count, height, width] = x.shape as [number, number, number];
  const terms = byColumn.map((column, channel) =>
    k.multiply(k.slice(x, [0, 0, 0, channel], [count, height, width, 1]), column),
  );
  return differentiable([x], k.addN(terms), [(dy) => mixChannels(dy, byRow, byColumn)]);
}

/**
 * Maps the colours of images `[n, size, size, 3]`, each with its own matrix. Differentiable in the images, to any order.
 * It avoids matrix products for the same reason as `samplingPositions`, and clips nothing.
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
