import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ConvGeometry, isPadded, type Kernels, paddingOf } from './kernels.js';

/** Padded by hand: only zero and symmetric explicit padding exist on every backend. */
function withPadding(x: Tensor, geometry: ConvGeometry): Tensor4D {
  if (!isPadded(geometry)) return x as Tensor4D;
  const { rows, columns } = paddingOf(geometry);
  return tf.pad(x as Tensor4D, [[0, 0], [...rows], [...columns], [0, 0]]);
}

function paddedShape(shape: number[], geometry: ConvGeometry): [number, number, number, number] {
  const { rows, columns } = paddingOf(geometry);
  return [shape[0]!, shape[1]! + rows[0] + rows[1], shape[2]! + columns[0] + columns[1], shape[3]!];
}

/** Takes the padding off again, after an adjoint computed at the padded size. */
function withoutPadding(x: Tensor, shape: number[], geometry: ConvGeometry): Tensor {
  if (!isPadded(geometry)) return x;
  const { rows, columns } = paddingOf(geometry);
  return tf.slice(x as Tensor4D, [0, rows[0], columns[0], 0], shape as [number, number, number, number]);
}

function runKernel(name: string, inputs: Record<string, Tensor>, attrs: Record<string, unknown>): Tensor {
  return tf.engine().runKernel(name, inputs, attrs as unknown as tf.NamedAttrMap) as Tensor;
}

const convAttrs = { pad: 'valid', dataFormat: 'NHWC', dimRoundingMode: undefined };

/** What every tfjs backend can do; the browser runs on these. */
export const portableKernels: Kernels = {
  name: 'portable',
  conv2d: (x, filter, geometry) =>
    tf.tidy(() => tf.conv2d(withPadding(x, geometry), filter as Tensor4D, geometry.stride, 'valid')),
  conv2dInputGradient: (inputShape, filter, dy, geometry) =>
    tf.tidy(() =>
      withoutPadding(
        runKernel(
          'Conv2DBackpropInput',
          { dy, filter },
          { ...convAttrs, strides: geometry.stride, inputShape: paddedShape(inputShape, geometry) },
        ),
        inputShape,
        geometry,
      ),
    ),
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
    tf.tidy(() =>
      withoutPadding(
        runKernel(
          'DepthwiseConv2dNativeBackpropInput',
          { dy, filter },
          {
            strides: geometry.stride,
            pad: 'valid',
            dimRoundingMode: undefined,
            dilations: 1,
            inputShape: paddedShape(inputShape, geometry),
          },
        ),
        inputShape,
        geometry,
      ),
    ),
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
      { filterSize: size, strides: stride, pad: 'valid', dimRoundingMode: undefined },
    ),
  averagePool: (x, size, stride, scheme) => tf.avgPool(x as Tensor4D, size, stride, scheme),
  averagePoolGradient: (inputShape, dy, size, stride, scheme) =>
    tf.tidy(() =>
      runKernel(
        'AvgPoolGrad',
        { dy, input: tf.zeros(inputShape) },
        { filterSize: size, strides: stride, pad: scheme, dimRoundingMode: undefined },
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
  concat: (parts, axis) => tf.concat([...parts], axis),
  slice: (x, begin, size) => tf.slice(x, begin, size),
  pad: (x, paddings) => tf.pad(x, paddings),
  split: (x, sizes) => tf.split(x, sizes),
  gatherRows: (x, indices) => tf.gather(x, indices as Tensor1D),
  scatterRows: (dy, indices, rows) =>
    tf.tidy(() => tf.unsortedSegmentSum(dy, tf.cast(indices, 'int32') as Tensor1D, rows)),
  after: (x) => tf.clone(x),
};
