// Kernels that call TensorFlow's operations by name.
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  type ConvGeometry,
  isPadded,
  type Kernels,
  type Padding,
  type PoolScheme,
  paddingOf,
} from './kernels.js';

/** An attribute of a TensorFlow operation as the addon takes it. */
export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** The part of tfjs-node's native addon that runs operations and sessions. */
export interface TensorflowBinding {
  readonly TF_Version: string;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
}

/** The part of tfjs-node's backend class that runs a TensorFlow operation by its own name. */
export interface TensorflowBackend {
  binding: TensorflowBinding;
  executeSingleOutput(op: string, attributes: OpAttribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: OpAttribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
  /** Defined while a program is recorded: a copy of `x` that is ordered after `dependencies`. */
  executeAfter?(x: Tensor, dependencies: readonly Tensor[]): Tensor;
}

/** Kernels that call TensorFlow's operations by name: fewer calls than tfjs makes, and no uploads of large constants. */
export function nativeKernels(backend: TensorflowBackend): Kernels {
  const { binding } = backend;
  const typeCode = (dtype: DataType): number => (dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT);
  const type = (name: string, dtype: DataType): OpAttribute => ({
    name,
    type: binding.TF_ATTR_TYPE,
    value: typeCode(dtype),
  });
  const ints = (name: string, value: number | number[]): OpAttribute => ({
    name,
    type: binding.TF_ATTR_INT,
    value,
  });
  const bool = (name: string, value: boolean): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value });
  const float = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_FLOAT, value });
  const string = (name: string, value: string): OpAttribute => ({
    name,
    type: binding.TF_ATTR_STRING,
    value,
  });
  const T = type('T', 'float32');
  const index = (name: string) => type(name, 'int32');

  const run = (op: string, inputs: readonly Tensor[], attributes: OpAttribute[] = [T]): Tensor =>
    backend.executeSingleOutput(op, attributes, inputs);
  /** Runs an operation with an int32 vector or scalar among its inputs, and frees that. */
  const withInts = (values: number[] | number, fn: (tensor: Tensor) => Tensor): Tensor => {
    const tensor = Array.isArray(values) ? tf.tensor1d(values, 'int32') : tf.scalar(values, 'int32');
    const result = fn(tensor);
    tensor.dispose();
    return result;
  };
  const withNumber = (value: number, fn: (tensor: Tensor) => Tensor): Tensor => {
    const tensor = tf.scalar(value, 'float32');
    const result = fn(tensor);
    tensor.dispose();
    return result;
  };
  const geometryAttributes = (geometry: ConvGeometry, scheme: string): OpAttribute[] => {
    const { stride } = geometry;
    const { rows, columns } = paddingOf(geometry);
    return [
      T,
      ints('strides', [1, stride, stride, 1]),
      string('padding', scheme),
      string('data_format', 'NHWC'),
      ints('dilations', [1, 1, 1, 1]),
      ...(scheme === 'EXPLICIT' ? [ints('explicit_paddings', [0, 0, ...rows, ...columns, 0, 0])] : []),
    ];
  };
  const paddingScheme = (geometry: ConvGeometry): string => (isPadded(geometry) ? 'EXPLICIT' : 'VALID');
  const isCentred = ([before, after]: Padding, size: number): boolean =>
    before === (size - 1) / 2 && after === before;
  /** Uses SAME where it fits: oneDNN does not run gradients of convolutions with explicit padding (5 times slower). */
  const convAttributes = (geometry: ConvGeometry, filterShape: readonly number[]): OpAttribute[] => {
    const [height, width] = filterShape as [number, number];
    const { rows, columns } = paddingOf(geometry);
    const isSame = geometry.stride === 1 && isCentred(rows, height) && isCentred(columns, width);
    return geometryAttributes(geometry, isSame && isPadded(geometry) ? 'SAME' : paddingScheme(geometry));
  };
  const poolAttributes = (size: number, stride: number, scheme: PoolScheme = 'valid'): OpAttribute[] => [
    T,
    ints('ksize', [1, size, size, 1]),
    ints('strides', [1, stride, stride, 1]),
    string('padding', scheme.toUpperCase()),
    string('data_format', 'NHWC'),
  ];
  const reduce = (op: string, x: Tensor, axes: number[], keepDims: boolean): Tensor =>
    withInts(axes, (axis) => run(op, [x, axis], [T, bool('keep_dims', keepDims), index('Tidx')]));
  const add = (a: Tensor, b: Tensor): Tensor => run('AddV2', [a, b]);
  const multiply = (a: Tensor, b: Tensor): Tensor => run('Mul', [a, b]);
  const leakyRelu = (x: Tensor, slope: number): Tensor => run('LeakyRelu', [x], [T, float('alpha', slope)]);
  const addBias = (x: Tensor, bias: Tensor): Tensor =>
    run('BiasAdd', [x, bias], [T, string('data_format', 'NHWC')]);

  return {
    name: 'native',
    conv2d: (x, filter, geometry) => run('Conv2D', [x, filter], convAttributes(geometry, filter.shape)),
    conv2dInputGradient: (inputShape, filter, dy, geometry) =>
      withInts(inputShape, (sizes) =>
        run('Conv2DBackpropInput', [sizes, filter, dy], convAttributes(geometry, filter.shape)),
      ),
    conv2dFilterGradient: (x, filterShape, dy, geometry) =>
      withInts(filterShape, (sizes) =>
        run('Conv2DBackpropFilter', [x, sizes, dy], convAttributes(geometry, filterShape)),
      ),
    depthwise: (x, filter, geometry) =>
      run('DepthwiseConv2dNative', [x, filter], geometryAttributes(geometry, paddingScheme(geometry))),
    depthwiseInputGradient: (inputShape, filter, dy, geometry) =>
      withInts(inputShape, (sizes) =>
        run(
          'DepthwiseConv2dNativeBackpropInput',
          [sizes, filter, dy],
          geometryAttributes(geometry, paddingScheme(geometry)),
        ),
      ),
    matMul: (a, b, transposeA, transposeB) =>
      run('MatMul', [a, b], [T, bool('transpose_a', transposeA), bool('transpose_b', transposeB)]),
    biasLeakyRelu: (x, bias, slope) => {
      const biased = addBias(x, bias);
      const y = leakyRelu(biased, slope);
      biased.dispose();
      return y;
    },
    leakyRelu,
    leakyReluGradient: (dy, y, slope) => run('LeakyReluGrad', [dy, y], [T, float('alpha', slope)]),
    addBias,
    sumToLastAxis: (dy) => run('BiasAddGrad', [dy], [T, string('data_format', 'NHWC')]),
    maxPool: (x, size, stride) => run('MaxPool', [x], poolAttributes(size, stride)),
    maxPoolGradient: (dy, x, y, size, stride) => run('MaxPoolGrad', [x, y, dy], poolAttributes(size, stride)),
    averagePool: (x, size, stride, scheme) => run('AvgPool', [x], poolAttributes(size, stride, scheme)),
    averagePoolGradient: (inputShape, dy, size, stride, scheme) =>
      withInts(inputShape, (sizes) => run('AvgPoolGrad', [sizes, dy], poolAttributes(size, stride, scheme))),
    add,
    addN: (terms) => run('AddN', terms, [ints('N', terms.length), T]),
    subtract: (a, b) => run('Sub', [a, b]),
    multiply,
    affine: (x, factor, offset) => {
      if (factor === 1) return withNumber(offset, (b) => add(x, b));
      const scaled = withNumber(factor, (a) => multiply(x, a));
      if (offset === 0) return scaled;
      const shifted = withNumber(offset, (b) => add(scaled, b));
      scaled.dispose();
      return shifted;
    },
    divide: (a, b) => run('RealDiv', [a, b]),
    square: (x) => run('Square', [x]),
    sqrt: (x) => run('Sqrt', [x]),
    rsqrt: (x) => run('Rsqrt', [x]),
    abs: (x) => run('Abs', [x]),
    floor: (x) => run('Floor', [x]),
    toInt32: (x) =>
      run('Cast', [x], [type('SrcT', 'float32'), type('DstT', 'int32'), bool('Truncate', false)]),
    sign: (x) => run('Sign', [x]),
    softplus: (x) => run('Softplus', [x]),
    sigmoid: (x) => run('Sigmoid', [x]),
    sum: (x, axes, keepDims) => reduce('Sum', x, axes, keepDims),
    mean: (x, axes, keepDims) => reduce('Mean', x, axes, keepDims),
    broadcastTo: (x, shape) =>
      withInts(shape, (target) => run('BroadcastTo', [x, target], [T, index('Tidx')])),
    fill: (shape, value) =>
      withInts(shape, (dims) =>
        withNumber(value, (number) => run('Fill', [dims, number], [T, index('index_type')])),
      ),
    reshape: (x, shape) =>
      withInts(shape, (target) => run('Reshape', [x, target], [type('T', x.dtype), index('Tshape')])),
    concat: (tensors, axis) =>
      withInts(axis, (along) =>
        run(
          'ConcatV2',
          [...tensors, along],
          [ints('N', tensors.length), type('T', tensors[0]!.dtype), index('Tidx')],
        ),
      ),
    slice: (x, begin, size) =>
      withInts(begin, (from) =>
        withInts(size, (extent) => run('Slice', [x, from, extent], [type('T', x.dtype), index('Index')])),
      ),
    pad: (x, paddings) => {
      const table = tf.tensor2d(paddings, [paddings.length, 2], 'int32');
      const padded = run('Pad', [x, table], [T, index('Tpaddings')]);
      table.dispose();
      return padded;
    },
    split: (x, sizes) => {
      const lengths = tf.tensor1d(sizes, 'int32');
      const axis = tf.scalar(0, 'int32');
      const attributes = [ints('num_split', sizes.length), type('T', x.dtype), index('Tlen')];
      const parts = backend.executeMultipleOutputs('SplitV', attributes, [x, lengths, axis], sizes.length);
      tf.dispose([lengths, axis]);
      return parts;
    },
    gatherRows: (x, indices) =>
      withInts(0, (axis) =>
        run(
          'GatherV2',
          [x, indices, axis],
          [ints('batch_dims', 0), type('Tparams', x.dtype), index('Tindices'), index('Taxis')],
        ),
      ),
    scatterRows: (dy, indices, rows) =>
      withInts(rows, (count) =>
        run('UnsortedSegmentSum', [dy, indices, count], [T, index('Tindices'), index('Tnumsegments')]),
      ),
    after: (x, dependencies) =>
      backend.executeAfter?.(x, dependencies) ?? run('Identity', [x], [type('T', x.dtype)]),
  };
}
