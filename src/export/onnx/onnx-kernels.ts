// Kernels that describe an ONNX graph instead of computing, so that the networks themselves write their ONNX files.
import type { Tensor } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../model/parameters.js';
import { type ConvGeometry, type Kernels, type Padding, paddingOf } from '../../runtime/kernels.js';
import type { Attributes, Expression, Operation } from './expressions.js';
import type { OnnxAttribute } from './graph.js';
import {
  arranged,
  axesOf,
  type Computed,
  type Meaning,
  NCHW,
  OIHW,
  type Order,
  type Symbols,
  storedShape,
} from './symbols.js';

/** Filters `[h, w, channels, 1]` of depthwise convolutions, stored as `[channels, 1, h, w]`. */
const DEPTHWISE: Order = [2, 3, 0, 1];

/** Kernels that no forward pass of a generator needs. */
const MISSING = [
  'conv2dFilterGradient',
  'leakyReluGradient',
  'sumToLastAxis',
  'maxPool',
  'maxPoolGradient',
  'averagePool',
  'averagePoolGradient',
  'floor',
  'toInt32',
  'sign',
  'broadcastTo',
  'fill',
  'slice',
  'pad',
  'split',
  'gatherRows',
  'scatterRows',
] as const satisfies readonly (keyof Kernels)[];

function missingKernels(): Pick<Kernels, (typeof MISSING)[number]> {
  const rejecting = (name: string) => (): never => {
    throw new RangeError(
      `ONNX exports have no kernel ${name}; a generator that uses it needs it in src/export/onnx/onnx-kernels.ts and interpret.ts`,
    );
  };
  const entries = MISSING.map((name) => [name, rejecting(name)]);
  return Object.fromEntries(entries) as ReturnType<typeof missingKernels>;
}

/** Stride and padding as attributes, where they are not ONNX's defaults. */
function windowAttributes(geometry: ConvGeometry): Attributes {
  const { stride } = geometry;
  const { rows, columns } = paddingOf(geometry);
  const pads = [rows[0], columns[0], rows[1], columns[1]];
  return {
    ...(stride !== 1 && { strides: { ints: [stride, stride] } }),
    ...(pads.some((zeros) => zeros !== 0) && { pads: { ints: pads } }),
  };
}

const flag = (name: string, isSet: boolean): Attributes => (isSet ? { [name]: { int: 1 } } : {});

/** The operation that computes a tensor, if it is one of these. */
function operationOf(x: Meaning, ...ops: readonly string[]): Operation | undefined {
  if (x.kind === 'known' || x.value.kind !== 'operation') return undefined;
  return ops.includes(x.value.op) ? x.value : undefined;
}

/**
 * Kernels on the symbolic tensors of `symbols` and on tensors with values. Images are stored as NCHW, so nothing is transposed
 * between layers, and weights are arranged for that while they are recorded. What follows a convolution or a matrix product
 * and fits into the same operator becomes part of it. What follows from weights alone is computed by nodes too, which runtimes
 * run once when they load a file: stored results would make it larger.
 */
export function onnxKernels(symbols: Symbols): Kernels {
  const meaningOf = (tensor: Tensor): Meaning => symbols.meaningOf(tensor);
  const result = (value: Expression, shape: readonly number[], order: Order): Tensor =>
    symbols.tensor(symbols.computed(value, shape, order));
  /** An operator on images. */
  const onImages = (
    op: string,
    inputs: readonly Expression[],
    attributes: Attributes,
    shape: readonly number[],
  ): Tensor => result(symbols.operation(op, inputs, attributes), shape, NCHW);

  const convolution = (x: Tensor, filter: Tensor, geometry: ConvGeometry, order: Order): Tensor => {
    const [n, h, w, channels] = x.shape as [number, number, number, number];
    const [height, width] = filter.shape as [number, number, number, number];
    const isDepthwise = order === DEPTHWISE;
    const { rows, columns } = paddingOf(geometry);
    const outSide = (size: number, taps: number, [before, after]: Padding): number =>
      Math.floor((size + before + after - taps) / geometry.stride) + 1;
    const shape = [
      n,
      outSide(h, height, rows),
      outSide(w, width, columns),
      isDepthwise ? channels : filter.shape[3]!,
    ];
    const attributes = {
      ...(isDepthwise && { group: { int: channels } }),
      ...windowAttributes(geometry),
    };
    const inputs = [symbols.stored(meaningOf(x), NCHW), symbols.stored(meaningOf(filter), order)];
    return onImages('Conv', inputs, attributes, shape);
  };
  const adjoint = (
    inputShape: number[],
    filter: Tensor,
    dy: Tensor,
    geometry: ConvGeometry,
    order: Order,
  ): Tensor => {
    const { stride } = geometry;
    const { rows, columns } = paddingOf(geometry);
    const outSide = (axis: 1 | 2, [before, after]: Padding): number =>
      (dy.shape[axis]! - 1) * stride + filter.shape[axis - 1]! - before - after;
    // Rows and columns at the end that no position of the filter reached.
    const rest = [inputShape[1]! - outSide(1, rows), inputShape[2]! - outSide(2, columns)];
    const attributes = {
      ...(order === DEPTHWISE && { group: { int: dy.shape[3]! } }),
      ...windowAttributes(geometry),
      ...(rest.some((pixels) => pixels !== 0) && { output_padding: { ints: rest } }),
    };
    const inputs = [symbols.stored(meaningOf(dy), NCHW), symbols.stored(meaningOf(filter), order)];
    return onImages('ConvTranspose', inputs, attributes, inputShape);
  };

  /** An operator on two tensors, with broadcasting. */
  const binary = (op: string, a: Meaning, b: Meaning): Tensor => {
    const rank = Math.max(a.shape.length, b.shape.length);
    const [x, y] = [a, b].map((operand) => {
      const missing = Array<number>(rank - operand.shape.length).fill(1);
      return missing.length === 0 ? operand : symbols.reshaped(operand, [...missing, ...operand.shape]);
    }) as [Meaning, Meaning];
    const shape = x.shape.map((size, axis) => (size === 1 ? y.shape[axis]! : size));
    const isWhole = (operand: Meaning): boolean => operand.shape.join() === shape.join();
    const candidates = [x, y].filter((operand) => operand.kind === 'computed');
    const order = symbols.orderOf(candidates.find(isWhole) ?? candidates[0] ?? x);
    const value = symbols.operation(op, [symbols.stored(x, order), symbols.stored(y, order)]);
    return result(value, shape, order);
  };
  const binaryKernel = (op: string) => (a: Tensor, b: Tensor) => binary(op, meaningOf(a), meaningOf(b));
  const unary = (op: string, x: Tensor, attributes: Attributes = {}): Tensor => {
    const meaning = meaningOf(x);
    const value = symbols.operation(op, [symbols.stored(meaning)], attributes);
    return result(value, meaning.shape, symbols.orderOf(meaning));
  };
  const unaryKernel = (op: string) => (x: Tensor) => unary(op, x);

  const addBias = (x: Tensor, bias: Tensor): Tensor => {
    const [meaning, offset] = [meaningOf(x), meaningOf(bias)];
    const operation = operationOf(meaning, 'Conv', 'ConvTranspose', 'Gemm');
    if (operation?.inputs.length !== 2) return binary('Add', meaning, offset);
    const inputs = [...operation.inputs, symbols.stored(offset)];
    const value = symbols.operation(operation.op, inputs, operation.attributes);
    return result(value, meaning.shape, symbols.orderOf(meaning));
  };
  const leakyRelu = (x: Tensor, slope: number): Tensor => unary('LeakyRelu', x, { alpha: { float: slope } });

  const affine = (x: Tensor, factor: number, offset: number): Tensor => {
    const meaning = meaningOf(x);
    const order = symbols.orderOf(meaning);
    const product = operationOf(meaning, 'Gemm');
    if (product?.inputs.length === 2 && product.attributes.alpha === undefined) {
      const inputs = [...product.inputs, ...(offset === 0 ? [] : [symbols.number(offset, [1])])];
      const attributes = { ...product.attributes, alpha: { float: factor } };
      return result(symbols.operation('Gemm', inputs, attributes), meaning.shape, order);
    }
    let value = symbols.stored(meaning);
    if (factor !== 1) value = symbols.operation('Mul', [value, symbols.number(factor)]);
    if (offset !== 0) value = symbols.operation('Add', [value, symbols.number(offset)]);
    return result(value, meaning.shape, order);
  };

  /**
   * A matrix for the product with flattened images. Images are flattened as they are stored, channel by channel, so a constant
   * matrix changes the order of its rows (or, if it is transposed first, of its columns).
   */
  const forFlattened = (b: Meaning, images: Computed, transposeB: boolean): Expression | undefined => {
    if (b.kind !== 'known') return undefined;
    const area = images.shape.slice(1);
    const other = b.shape[transposeB ? 0 : 1]!;
    return transposeB
      ? arranged(b, [other, ...area], [0, 3, 1, 2], b.shape)
      : arranged(b, [...area, other], [2, 0, 1, 3], b.shape);
  };
  const matMul = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor => {
    const [left, right] = [meaningOf(a), meaningOf(b)];
    const shape = [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!];
    const images = left.kind === 'computed' && !transposeA ? left.images : undefined;
    const rearranged = images && forFlattened(right, images, transposeB);
    const isSwapped = (x: Meaning): boolean => symbols.orderOf(x)[0] === 1;
    const inputs = rearranged
      ? [symbols.operation('Flatten', [images!.value], { axis: { int: 1 } }), rearranged]
      : [symbols.stored(left), symbols.stored(right)];
    const attributes = {
      ...flag('transA', transposeA !== (!rearranged && isSwapped(left))),
      ...flag('transB', transposeB !== (!rearranged && isSwapped(right))),
    };
    return result(symbols.operation('Gemm', inputs, attributes), shape, [0, 1]);
  };

  const reduction = (
    x: Tensor,
    axes: readonly number[],
    keepDims: boolean,
    operation: (value: Expression, places: number[], attributes: Attributes) => Expression,
  ): Tensor => {
    const meaning = meaningOf(x);
    const order = symbols.orderOf(meaning);
    const places = axes.map((axis) => order.indexOf(axis)).sort((p, q) => p - q);
    const attributes: Record<string, OnnxAttribute> = keepDims ? {} : { keepdims: { int: 0 } };
    const value = operation(symbols.stored(meaning), places, attributes);
    if (keepDims) {
      const shape = meaning.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      return result(value, shape, order);
    }
    const kept = axesOf(meaning.shape.length).filter((axis) => !axes.includes(axis));
    const keptOrder = order.filter((axis) => kept.includes(axis)).map((axis) => kept.indexOf(axis));
    return result(value, storedShape(meaning.shape, kept), keptOrder);
  };

  return {
    ...missingKernels(),
    name: 'onnx',
    conv2d: (x, filter, geometry) => convolution(x, filter, geometry, OIHW),
    conv2dInputGradient: (inputShape, filter, dy, geometry) =>
      adjoint(inputShape, filter, dy, geometry, OIHW),
    depthwise: (x, filter, geometry) => convolution(x, filter, geometry, DEPTHWISE),
    depthwiseInputGradient: (inputShape, filter, dy, geometry) =>
      adjoint(inputShape, filter, dy, geometry, DEPTHWISE),
    matMul,
    biasLeakyRelu: (x, bias, slope) => leakyRelu(addBias(x, bias), slope),
    leakyRelu,
    addBias,
    add: binaryKernel('Add'),
    addN: (terms) => terms.reduce(binaryKernel('Add')),
    subtract: binaryKernel('Sub'),
    multiply: binaryKernel('Mul'),
    affine,
    divide: binaryKernel('Div'),
    square: (x) => binary('Mul', meaningOf(x), meaningOf(x)),
    sqrt: unaryKernel('Sqrt'),
    rsqrt: (x) => unary('Reciprocal', unary('Sqrt', x)),
    log: unaryKernel('Log'),
    abs: unaryKernel('Abs'),
    softplus: unaryKernel('Softplus'),
    sigmoid: unaryKernel('Sigmoid'),
    sum: (x, axes, keepDims) =>
      reduction(x, axes, keepDims, (value, places, attributes) =>
        symbols.operation('ReduceSum', [value, symbols.integers(places)], attributes),
      ),
    mean: (x, axes, keepDims) =>
      reduction(x, axes, keepDims, (value, places, attributes) =>
        symbols.operation('ReduceMean', [value], { axes: { ints: places }, ...attributes }),
      ),
    reshape: (x, shape) => {
      if (sizeOf(shape) !== x.size) throw new RangeError(`[${x.shape}] has no elements for [${shape}]`);
      return symbols.tensor(symbols.reshaped(meaningOf(x), shape));
    },
    concat: (tensors, axis) => {
      const meanings = tensors.map(meaningOf);
      const order = symbols.orderOf(meanings.find(({ kind }) => kind === 'computed') ?? meanings[0]!);
      const values = meanings.map((meaning) => symbols.stored(meaning, order));
      const shape = meanings[0]!.shape.map((size, i) =>
        i === axis ? meanings.reduce((sum, meaning) => sum + meaning.shape[i]!, 0) : size,
      );
      return result(
        symbols.operation('Concat', values, { axis: { int: order.indexOf(axis) } }),
        shape,
        order,
      );
    },
    after: (x) => symbols.tensor(meaningOf(x)),
    allReduce: () => {
      throw new RangeError('ONNX has no operation for several ranks');
    },
  };
}
