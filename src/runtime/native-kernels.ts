// Kernels that call TensorFlow's operations by name.
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import { typeCode } from './data-types.js';
import type { Attribute, Attributes, Executor } from './executor.js';
import {
  type ConvGeometry,
  isPadded,
  type Kernels,
  type Padding,
  type PoolScheme,
  paddingOf,
} from './kernels.js';

/** The project's own operation, from native/all-reduce.cc. */
export const ALL_REDUCE = 'GnrAllReduce';
const FLOAT32_BYTES = 4;

/** Kernels that call TensorFlow's operations by name: fewer calls than tfjs makes, and no uploads of large constants. */
export function nativeKernels(executor: Executor): Kernels {
  const type = (dtype: DataType): Attribute => ({ kind: 'type', value: typeCode(dtype) });
  const int = (value: number): Attribute => ({ kind: 'int', value });
  const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
  const bool = (value: boolean): Attribute => ({ kind: 'bool', value });
  const float = (value: number): Attribute => ({ kind: 'float', value });
  const string = (value: string): Attribute => ({ kind: 'string', value });
  const FLOAT = { T: type('float32') };
  const INDEX = type('int32');

  const run = (op: string, inputs: readonly Tensor[], attributes: Attributes = FLOAT): Tensor =>
    executor.execute(op, inputs, attributes, 1)[0]!;
  /** Calls a function with a constant, and frees that. */
  const withConstant = <T>(constant: Tensor, fn: (constant: Tensor) => T): T => {
    const result = fn(constant);
    constant.dispose();
    return result;
  };
  /** Calls a function with an int32 vector or scalar. */
  const withInts = <T>(values: number[] | number, fn: (tensor: Tensor) => T): T => {
    const [shape, list] = Array.isArray(values) ? [[values.length], values] : [[], [values]];
    return withConstant(executor.constant('int32', shape, list), fn);
  };
  const withNumber = (value: number, fn: (tensor: Tensor) => Tensor): Tensor =>
    withConstant(executor.constant('float32', [], [value]), fn);
  const geometryAttributes = (geometry: ConvGeometry, scheme: string): Attributes => {
    const { stride } = geometry;
    const { rows, columns } = paddingOf(geometry);
    return {
      ...FLOAT,
      strides: ints([1, stride, stride, 1]),
      padding: string(scheme),
      data_format: string('NHWC'),
      dilations: ints([1, 1, 1, 1]),
      ...(scheme === 'EXPLICIT' && { explicit_paddings: ints([0, 0, ...rows, ...columns, 0, 0]) }),
    };
  };
  const paddingScheme = (geometry: ConvGeometry): string => (isPadded(geometry) ? 'EXPLICIT' : 'VALID');
  const isCentred = ([before, after]: Padding, size: number): boolean =>
    before === (size - 1) / 2 && after === before;
  /** Uses SAME where it fits: oneDNN does not run gradients of convolutions with explicit padding (5 times slower). */
  const convAttributes = (geometry: ConvGeometry, filterShape: readonly number[]): Attributes => {
    const [height, width] = filterShape as [number, number];
    const { rows, columns } = paddingOf(geometry);
    const isSame = geometry.stride === 1 && isCentred(rows, height) && isCentred(columns, width);
    return geometryAttributes(geometry, isSame && isPadded(geometry) ? 'SAME' : paddingScheme(geometry));
  };
  const poolAttributes = (size: number, stride: number, scheme: PoolScheme = 'valid'): Attributes => ({
    ...FLOAT,
    ksize: ints([1, size, size, 1]),
    strides: ints([1, stride, stride, 1]),
    padding: string(scheme.toUpperCase()),
    data_format: string('NHWC'),
  });
  const reduce = (op: string, x: Tensor, axes: number[], keepDims: boolean): Tensor =>
    withInts(axes, (axis) => run(op, [x, axis], { ...FLOAT, keep_dims: bool(keepDims), Tidx: INDEX }));
  const add = (a: Tensor, b: Tensor): Tensor => run('AddV2', [a, b]);
  const multiply = (a: Tensor, b: Tensor): Tensor => run('Mul', [a, b]);
  const leakyRelu = (x: Tensor, slope: number): Tensor =>
    run('LeakyRelu', [x], { ...FLOAT, alpha: float(slope) });
  const addBias = (x: Tensor, bias: Tensor): Tensor =>
    run('BiasAdd', [x, bias], { ...FLOAT, data_format: string('NHWC') });

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
      run('MatMul', [a, b], { ...FLOAT, transpose_a: bool(transposeA), transpose_b: bool(transposeB) }),
    biasLeakyRelu: (x, bias, slope) => {
      const biased = addBias(x, bias);
      const y = leakyRelu(biased, slope);
      biased.dispose();
      return y;
    },
    leakyRelu,
    leakyReluGradient: (dy, y, slope) => run('LeakyReluGrad', [dy, y], { ...FLOAT, alpha: float(slope) }),
    addBias,
    sumToLastAxis: (dy) => run('BiasAddGrad', [dy], { ...FLOAT, data_format: string('NHWC') }),
    maxPool: (x, size, stride) => run('MaxPool', [x], poolAttributes(size, stride)),
    maxPoolGradient: (dy, x, y, size, stride) => run('MaxPoolGrad', [x, y, dy], poolAttributes(size, stride)),
    averagePool: (x, size, stride, scheme) => run('AvgPool', [x], poolAttributes(size, stride, scheme)),
    averagePoolGradient: (inputShape, dy, size, stride, scheme) =>
      withInts(inputShape, (sizes) => run('AvgPoolGrad', [sizes, dy], poolAttributes(size, stride, scheme))),
    add,
    addN: (terms) => run('AddN', terms, { N: int(terms.length), ...FLOAT }),
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
    log: (x) => run('Log', [x]),
    abs: (x) => run('Abs', [x]),
    floor: (x) => run('Floor', [x]),
    toInt32: (x) => run('Cast', [x], { SrcT: type('float32'), DstT: INDEX, Truncate: bool(false) }),
    sign: (x) => run('Sign', [x]),
    softplus: (x) => run('Softplus', [x]),
    sigmoid: (x) => run('Sigmoid', [x]),
    sum: (x, axes, keepDims) => reduce('Sum', x, axes, keepDims),
    mean: (x, axes, keepDims) => reduce('Mean', x, axes, keepDims),
    broadcastTo: (x, shape) =>
      withInts(shape, (target) => run('BroadcastTo', [x, target], { ...FLOAT, Tidx: INDEX })),
    fill: (shape, value) =>
      withInts(shape, (dims) =>
        withNumber(value, (number) => run('Fill', [dims, number], { ...FLOAT, index_type: INDEX })),
      ),
    reshape: (x, shape) =>
      withInts(shape, (target) => run('Reshape', [x, target], { T: type(x.dtype), Tshape: INDEX })),
    concat: (tensors, axis) =>
      withInts(axis, (along) =>
        run('ConcatV2', [...tensors, along], {
          N: int(tensors.length),
          T: type(tensors[0]!.dtype),
          Tidx: INDEX,
        }),
      ),
    slice: (x, begin, size) =>
      withInts(begin, (from) =>
        withInts(size, (extent) => run('Slice', [x, from, extent], { T: type(x.dtype), Index: INDEX })),
      ),
    pad: (x, paddings) =>
      withConstant(executor.constant('int32', [paddings.length, 2], paddings.flat()), (table) =>
        run('Pad', [x, table], { ...FLOAT, Tpaddings: INDEX }),
      ),
    split: (x, sizes) =>
      withInts(sizes, (lengths) =>
        withInts(0, (axis) =>
          executor.execute(
            'SplitV',
            [x, lengths, axis],
            { num_split: int(sizes.length), T: type(x.dtype), Tlen: INDEX },
            sizes.length,
          ),
        ),
      ),
    gatherRows: (x, indices) =>
      withInts(0, (axis) =>
        run('GatherV2', [x, indices, axis], {
          batch_dims: int(0),
          Tparams: type(x.dtype),
          Tindices: INDEX,
          Taxis: INDEX,
        }),
      ),
    scatterRows: (dy, indices, rows) =>
      withInts(rows, (count) =>
        run('UnsortedSegmentSum', [dy, indices, count], { ...FLOAT, Tindices: INDEX, Tnumsegments: INDEX }),
      ),
    after: (x, dependencies) => executor.after(x, dependencies),
    allReduce: (tensors, bytes = Number.POSITIVE_INFINITY) => {
      const averages = [...tensors];
      for (const part of transfers(tensors, executor.readyAt(tensors), bytes)) {
        const inputs = part.map((i) => tensors[i]!);
        const results = executor.execute(ALL_REDUCE, inputs, { N: int(part.length) }, part.length);
        for (const [k, i] of part.entries()) averages[i] = results[k]!;
      }
      return averages;
    },
  };
}

/** The indices of the tensors of each transfer, the first ones first. */
function transfers(tensors: readonly Tensor[], readyAt: readonly number[], bytes: number): number[][] {
  const parts: number[][] = [];
  let room = 0;
  for (const i of [...tensors.keys()].sort((a, b) => readyAt[a]! - readyAt[b]!)) {
    if (room <= 0) {
      parts.push([]);
      room = bytes;
    }
    parts.at(-1)!.push(i);
    room -= tensors[i]!.size * FLOAT32_BYTES;
  }
  return parts;
}
