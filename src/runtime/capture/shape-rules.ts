// Shapes and types of the outputs of TensorFlow's operations.
import type { Attributes } from '../executor.js';

/** The facts about a tensor that are known while recording. */
export interface TensorInfo {
  shape: readonly number[];
  dtype: number;
  /** The values of a constant. */
  values?: ArrayLike<number>;
}

/** An operation to record. */
export interface OpCall {
  op: string;
  inputs: readonly TensorInfo[];
  attributes: Attributes;
  outputs: number;
}

type Rule = (call: OpCall) => TensorInfo[];

function attribute<T>({ op, attributes }: OpCall, name: string): T {
  const entry = attributes[name];
  if (entry === undefined) throw new RangeError(`${op} was recorded without its attribute ${name}`);
  return entry.value as T;
}

/** The values of input `index`, which must be a constant. */
function constant({ op, inputs }: OpCall, index: number): number[] {
  const { values } = inputs[index]!;
  if (values === undefined)
    throw new RangeError(`input ${index} of ${op} must be a constant while recording`);
  return Array.from(values);
}

const like =
  (index: number): Rule =>
  ({ inputs }) => [{ shape: inputs[index]!.shape, dtype: inputs[index]!.dtype }];

/** One output of the type that the operation computes in. */
const typed = (call: OpCall, shape: readonly number[]): TensorInfo[] => [
  { shape, dtype: attribute(call, 'T') },
];

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const m = a[i - rank + a.length] ?? 1;
    const n = b[i - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) throw new RangeError(`cannot broadcast the shapes [${a}] and [${b}]`);
    return m === 1 ? n : m;
  });
}

const elementwise: Rule = ({ inputs }) => [
  { shape: broadcast(inputs[0]!.shape, inputs[1]!.shape), dtype: inputs[0]!.dtype },
];

/** Number of positions of a sliding window along one axis. */
function slidingSize(size: number, window: number, stride: number, padding: number): number {
  return Math.floor((size + padding - window) / stride) + 1;
}

function windowed(call: OpCall, height: number, width: number, channels: number): TensorInfo[] {
  const [batch, h, w] = call.inputs[0]!.shape as [number, number, number];
  const stride = attribute<number[]>(call, 'strides')[1]!;
  const padding = attribute<string>(call, 'padding');
  if (padding === 'SAME') return typed(call, [batch, Math.ceil(h / stride), Math.ceil(w / stride), channels]);
  const explicit = padding === 'EXPLICIT';
  const pads = explicit ? attribute<number[]>(call, 'explicit_paddings') : [0, 0, 0, 0, 0, 0, 0, 0];
  return typed(call, [
    batch,
    slidingSize(h, height, stride, pads[2]! + pads[3]!),
    slidingSize(w, width, stride, pads[4]! + pads[5]!),
    channels,
  ]);
}

function reduced(call: OpCall): TensorInfo[] {
  const { shape } = call.inputs[0]!;
  const axes = constant(call, 1).map((axis) => (axis < 0 ? axis + shape.length : axis));
  const kept = attribute<boolean>(call, 'keep_dims')
    ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
    : shape.filter((_, axis) => !axes.includes(axis));
  return typed(call, kept);
}

function matrixProduct(call: OpCall): TensorInfo[] {
  const [a, b] = call.inputs as [TensorInfo, TensorInfo];
  const rows = attribute<boolean>(call, 'transpose_a') ? a.shape[1]! : a.shape[0]!;
  const columns = attribute<boolean>(call, 'transpose_b') ? b.shape[0]! : b.shape[1]!;
  return typed(call, [rows, columns]);
}

function joined(call: OpCall): TensorInfo[] {
  const tensors = call.inputs.slice(0, -1);
  const axis = constant(call, call.inputs.length - 1)[0]!;
  const length = tensors.reduce((total, { shape }) => total + shape[axis]!, 0);
  const first = tensors[0]!;
  return [{ shape: first.shape.map((n, i) => (i === axis ? length : n)), dtype: first.dtype }];
}

/**
 * Rules that give the shapes and types of an operation's outputs, one for each operation in `native-kernels.ts`. Tests
 * check every rule against the real kernel.
 */
export const shapeRules: Readonly<Record<string, Rule>> = {
  Conv2D: (call) => {
    const [height, width, , channels] = call.inputs[1]!.shape as [number, number, number, number];
    return windowed(call, height, width, channels);
  },
  Conv2DBackpropInput: (call) => typed(call, constant(call, 0)),
  Conv2DBackpropFilter: (call) => typed(call, constant(call, 1)),
  DepthwiseConv2dNative: (call) => {
    const [height, width, channels, multiplier] = call.inputs[1]!.shape as [number, number, number, number];
    return windowed(call, height, width, channels * multiplier);
  },
  DepthwiseConv2dNativeBackpropInput: (call) => typed(call, constant(call, 0)),
  MaxPool: (call) => {
    const window = attribute<number[]>(call, 'ksize');
    return windowed(call, window[1]!, window[2]!, call.inputs[0]!.shape[3]!);
  },
  MaxPoolGrad: like(0),
  AvgPool: (call) => {
    const window = attribute<number[]>(call, 'ksize');
    return windowed(call, window[1]!, window[2]!, call.inputs[0]!.shape[3]!);
  },
  AvgPoolGrad: (call) => typed(call, constant(call, 0)),
  MatMul: matrixProduct,
  LeakyRelu: like(0),
  LeakyReluGrad: like(0),
  BiasAdd: like(0),
  BiasAddGrad: (call) => typed(call, [call.inputs[0]!.shape.at(-1)!]),
  AddN: like(0),
  AddV2: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  RealDiv: elementwise,
  Square: like(0),
  Sqrt: like(0),
  Rsqrt: like(0),
  Log: like(0),
  Abs: like(0),
  Floor: like(0),
  Cast: (call) => [{ shape: call.inputs[0]!.shape, dtype: attribute<number>(call, 'DstT') }],
  Sign: like(0),
  Softplus: like(0),
  Sigmoid: like(0),
  Sum: reduced,
  Mean: reduced,
  BroadcastTo: (call) => typed(call, constant(call, 1)),
  Fill: (call) => typed(call, constant(call, 0)),
  Reshape: (call) => [{ shape: constant(call, 1), dtype: call.inputs[0]!.dtype }],
  ConcatV2: joined,
  Slice: (call) => [{ shape: constant(call, 2), dtype: call.inputs[0]!.dtype }],
  Pad: (call) => {
    const paddings = constant(call, 1);
    return typed(
      call,
      call.inputs[0]!.shape.map((n, i) => n + paddings[2 * i]! + paddings[2 * i + 1]!),
    );
  },
  SplitV: (call) => {
    const [first, ...rest] = call.inputs[0]!.shape;
    const sizes = constant(call, 1);
    if (sizes.reduce((a, b) => a + b, 0) !== first)
      throw new RangeError('the sizes of SplitV do not add up to the length of its input');
    return sizes.map((size) => ({ shape: [size, ...rest], dtype: call.inputs[0]!.dtype }));
  },
  GatherV2: ({ inputs }) => [
    { shape: [...inputs[1]!.shape, ...inputs[0]!.shape.slice(1)], dtype: inputs[0]!.dtype },
  ],
  Identity: like(0),
  GnrAllReduce: ({ inputs }) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  UnsortedSegmentSum: (call) => typed(call, [constant(call, 2)[0]!, ...call.inputs[0]!.shape.slice(1)]),
};

/** Shapes and types of an operation's outputs. @throws RangeError naming an operation without a rule. */
export function outputInfos(call: OpCall): TensorInfo[] {
  const rule = shapeRules[call.op];
  if (rule === undefined)
    throw new RangeError(
      `capture has no shape rule for the TensorFlow operation ${call.op}; add one to src/runtime/capture/shape-rules.ts`,
    );
  return rule(call);
}
