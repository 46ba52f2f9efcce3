// Kernels that run on every tfjs backend, browsers included.
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ConvGeometry, isPadded, type Kernels, paddingOf } from './kernels.js';

/** Pads in a step of its own, because not every backend has asymmetric padding in convolutions. */
function withPadding(x: Tensor, geometry: ConvGeometry): Tensor4D {
  if (!isPadded(geometry)) return x as Tensor4D;
  const { rows, columns } = paddingOf(geometry);
  return tf.pad(x as Tensor4D, [[0, 0], [...rows], [...columns], [0, 0]]);
}

/** `[n, h, w, c] -> [n, stride * h, stride * w, c]`: puts zeros to the right of and below every pixel. */
function spreadOut(x: Tensor, stride: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  if (stride === 1) return x;
  const wide = tf.pad(tf.reshape(x, [n * h * w, c]), [
    [0, 0],
    [0, (stride - 1) * c],
  ]); // [n * h * w, stride * c]
  const row = w * stride * c;
  const high = tf.pad(tf.reshape(wide, [n * h, row]), [
    [0, 0],
    [0, (stride - 1) * row],
  ]); // [n * h, stride * row]
  return tf.reshape(high, [n, stride * h, stride * w, c]);
}

/** Pads the two middle axes with zeros before and after; a negative number cuts off as many pixels. */
function padOrCut(x: Tensor, rows: readonly [number, number], columns: readonly [number, number]): Tensor4D {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const cut = ([before, after]: readonly [number, number], size: number): [number, number] => {
    const from = Math.max(0, -before);
    return [from, size - from - Math.max(0, -after)];
  };
  const zeros = ([before, after]: readonly [number, number]): [number, number] => [
    Math.max(0, before),
    Math.max(0, after),
  ];
  const [top, height] = cut(rows, h);
  const [left, width] = cut(columns, w);
  const kept = height === h && width === w ? x : tf.slice(x, [0, top, left, 0], [n, height, width, c]);
  if ([...rows, ...columns].every((count) => count <= 0)) return tf.clone(kept) as Tensor4D;
  return tf.pad(kept as Tensor4D, [[0, 0], zeros(rows), zeros(columns), [0, 0]]);
}

/**
 * Computes the adjoint of a depthwise convolution as a depthwise convolution of the spread gradient with the flipped
 * filter: tfjs's WASM backend has no kernel for it.
 */
function depthwiseAdjoint(inputShape: number[], filter: Tensor, dy: Tensor, geometry: ConvGeometry): Tensor {
  const { rows, columns } = paddingOf(geometry);
  const spread = spreadOut(dy, geometry.stride);
  const around = (axis: 1 | 2, before: number): [number, number] => {
    const taps = filter.shape[axis - 1]!;
    return [taps - 1 - before, inputShape[axis]! + before - spread.shape[axis]!];
  };
  const padded = padOrCut(spread, around(1, rows[0]), around(2, columns[0]));
  return tf.depthwiseConv2d(padded, tf.reverse(filter as Tensor4D, [0, 1]), 1, 'valid');
}

/** The filters of `convolutionAdjoint`, `[t, T, o, stride * i]` for every row of a block of `stride * stride` results. */
function blockFilters(filter: Tensor, stride: number): Tensor4D[] {
  const [height, width, i, o] = filter.shape as [number, number, number, number];
  const [down, across] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const padded = tf.pad(filter as Tensor4D, [
    [0, stride * down - height],
    [0, stride * across - width],
    [0, 0],
    [0, 0],
  ]);
  const turned = tf.reshape(tf.reverse(padded, [0, 1]), [down, stride, stride * across, i * o]);
  return Array.from({ length: stride }, (_, a) => {
    const taps = Math.ceil((height - a) / stride);
    const rows = tf.slice(turned, [down - taps, stride - 1 - a, 0, 0], [taps, 1, stride * across, i * o]);
    const columns = tf.reshape(rows, [taps, across, stride, i * o]);
    const blocks = Array.from({ length: stride }, (_, b) => {
      const column = tf.slice(columns, [0, 0, stride - 1 - b, 0], [taps, across, 1, i * o]);
      return tf.transpose(tf.reshape(column, [taps, across, i, o]), [0, 1, 3, 2]);
    });
    return (stride === 1 ? blocks[0] : tf.concat(blocks, 3)) as Tensor4D;
  });
}

/**
 * Computes the adjoint of a convolution as ordinary convolutions. With stride s, the result consists of blocks of s x s
 * pixels, and each row of a block is one convolution of `dy` with the taps that reach it. tfjs's own kernel is a plain
 * loop in WASM, an order of magnitude slower.
 */
function convolutionAdjoint(
  inputShape: number[],
  filter: Tensor,
  dy: Tensor,
  geometry: ConvGeometry,
): Tensor {
  const { rows, columns } = paddingOf(geometry);
  const { stride } = geometry;
  const [n, h, w] = dy.shape as [number, number, number];
  const [height, width, channels] = filter.shape as [number, number, number];
  const [down, across] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const [high, wide] = [h + down - 1, w + across - 1];
  const lines = blockFilters(filter, stride).map((taps) => {
    const before = taps.shape[0] - 1;
    const padded = padOrCut(dy, [before, down - 1], [across - 1, across - 1]);
    const line = tf.conv2d(padded, taps, 1, 'valid'); // [n, high, wide, stride * channels]
    return tf.reshape(line, [n, high, 1, wide * stride * channels]);
  });
  const joined = stride === 1 ? lines[0]! : tf.concat(lines, 2);
  const whole = tf.reshape(joined, [n, stride * high, stride * wide, channels]);
  const around = (axis: 1 | 2, before: number): [number, number] => {
    return [-before, inputShape[axis]! + before - whole.shape[axis]!];
  };
  return padOrCut(whole, around(1, rows[0]), around(2, columns[0]));
}

function runKernel(name: string, inputs: Record<string, Tensor>, attrs: tf.NamedAttrMap): Tensor {
  return tf.engine().runKernel(name, inputs, attrs) as Tensor;
}

const convAttrs = { pad: 'valid', dataFormat: 'NHWC' };

/** Kernels for every tfjs backend. Browsers use these. */
export const portableKernels: Kernels = {
  name: 'portable',
  conv2d: (x, filter, geometry) =>
    tf.tidy(() => tf.conv2d(withPadding(x, geometry), filter as Tensor4D, geometry.stride, 'valid')),
  conv2dInputGradient: (inputShape, filter, dy, geometry) =>
    tf.tidy(() => convolutionAdjoint(inputShape, filter, dy, geometry)),
  conv2dFilterGradient: (x, filterShape, dy, geometry) =>
    tf.tidy(() =>
      runKernel(
        'Conv2DBackpropFilter',
        { x: withPadding(x, geometry), dy },
        { ...convAttrs, strides: geometry.stride, filterShape },
      ),
    ),
  depthwise: (x, filter, geometry) =>
    tf.tidy(() => tf.depthwiseConv2d(withPadding(x, geometry), filter as Tensor4D, geometry.stride, 'valid')),
  depthwiseInputGradient: (inputShape, filter, dy, geometry) =>
    tf.tidy(() => depthwiseAdjoint(inputShape, filter, dy, geometry)),
  matMul: (a, b, transposeA, transposeB) => tf.matMul(a as Tensor2D, b as Tensor2D, transposeA, transposeB),
  biasLeakyRelu: (x, bias, slope) => tf.tidy(() => tf.leakyRelu(tf.add(x, bias), slope)),
  leakyRelu: (x, slope) => tf.leakyRelu(x, slope),
  leakyReluGradient: (dy, y, slope) =>
    tf.tidy(() => tf.mul(dy, tf.add(tf.mul(tf.step(y), 1 - slope), slope))),
  addBias: (x, bias) => tf.add(x, bias),
  sumToLastAxis: (dy) => tf.sum(dy, [...Array(dy.rank - 1).keys()]),
  maxPool: (x, size, stride) => tf.maxPool(x as Tensor4D, size, stride, 'valid'),
  maxPoolGradient: (dy, x, y, size, stride) =>
    runKernel(
      'MaxPoolGrad',
      { dy, input: x, output: y },
      { filterSize: size, strides: stride, pad: 'valid' },
    ),
  averagePool: (x, size, stride, scheme) => tf.avgPool(x as Tensor4D, size, stride, scheme),
  averagePoolGradient: (inputShape, dy, size, stride, scheme) =>
    tf.tidy(() =>
      runKernel(
        'AvgPoolGrad',
        { dy, input: tf.zeros(inputShape) },
        { filterSize: size, strides: stride, pad: scheme },
      ),
    ),
  add: (a, b) => tf.add(a, b),
  addN: (terms) => tf.addN([...terms]),
  subtract: (a, b) => tf.sub(a, b),
  multiply: (a, b) => tf.mul(a, b),
  affine: (x, factor, offset) =>
    tf.tidy(() => {
      const scaled = factor === 1 ? x : tf.mul(x, factor);
      return offset === 0 ? (factor === 1 ? x.clone() : scaled) : tf.add(scaled, offset);
    }),
  divide: (a, b) => tf.div(a, b),
  square: (x) => tf.square(x),
  sqrt: (x) => tf.sqrt(x),
  rsqrt: (x) => tf.rsqrt(x),
  log: (x) => tf.log(x),
  abs: (x) => tf.abs(x),
  floor: (x) => tf.floor(x),
  toInt32: (x) => tf.cast(x, 'int32'),
  sign: (x) => tf.sign(x),
  softplus: (x) => tf.softplus(x),
  sigmoid: (x) => tf.sigmoid(x),
  sum: (x, axes, keepDims) => tf.sum(x, axes, keepDims),
  mean: (x, axes, keepDims) => tf.mean(x, axes, keepDims),
  broadcastTo: (x, shape) => tf.broadcastTo(x, shape as [number]),
  fill: (shape, value) => tf.fill(shape as [number], value),
  reshape: (x, shape) => tf.reshape(x, shape as [number]),
  concat: (tensors, axis) => tf.concat([...tensors], axis),
  slice: (x, begin, size) => tf.slice(x, begin, size),
  pad: (x, paddings) => tf.pad(x, paddings),
  split: (x, sizes) => tf.split(x, sizes),
  gatherRows: (x, indices) => tf.gather(x, indices as Tensor1D),
  scatterRows: (dy, indices, rows) =>
    tf.tidy(() => tf.unsortedSegmentSum(dy, tf.cast(indices, 'int32') as Tensor1D, rows)),
  after: (x) => tf.clone(x),
  allReduce: () => {
    throw new RangeError('only the native kernels know other ranks');
  },
};
