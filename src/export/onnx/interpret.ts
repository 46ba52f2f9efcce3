// An interpreter for exported ONNX graphs, to check them.
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../../base/errors.js';
import type { OnnxModel, OnnxNode } from './graph.js';

/** Numbers with their shape, row-major. */
export interface HostArray {
  shape: readonly number[];
  data: Float32Array;
}

const toNhwc = (x: Tensor): Tensor4D => tf.transpose(x, [0, 2, 3, 1]) as Tensor4D;
const toNchw = (x: Tensor): Tensor => tf.transpose(x, [0, 3, 1, 2]);

/** The attributes of a node. */
class Attributes {
  private readonly node: OnnxNode;

  constructor(node: OnnxNode) {
    this.node = node;
  }

  int(name: string, fallback: number): number {
    const attribute = this.node.attributes[name];
    return attribute !== undefined && 'int' in attribute ? attribute.int : fallback;
  }

  ints(name: string, fallback: readonly number[]): readonly number[] {
    const attribute = this.node.attributes[name];
    return attribute !== undefined && 'ints' in attribute ? attribute.ints : fallback;
  }

  float(name: string, fallback: number): number {
    const attribute = this.node.attributes[name];
    return attribute !== undefined && 'float' in attribute ? attribute.float : fallback;
  }
}

function addBiasNchw(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias === undefined ? y : tf.add(y, tf.reshape(bias, [bias.size, 1, 1]));
}

/** Stride and padding of a convolution. */
function windowOf(attributes: Attributes) {
  const [stride] = attributes.ints('strides', [1, 1]) as [number];
  const [top, left, bottom, right] = attributes.ints('pads', [0, 0, 0, 0]) as [
    number,
    number,
    number,
    number,
  ];
  return { stride, top, left, bottom, right };
}

/** `filter` is `[out, in / group, kh, kw]`; group is 1 or the number of channels. */
function conv([x, filter, bias]: Tensor[], attributes: Attributes): Tensor {
  const { stride, top, left, bottom, right } = windowOf(attributes);
  const padded = tf.pad(toNhwc(x!), [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]) as Tensor4D;
  const group = attributes.int('group', 1);
  const area = tf.transpose(filter!, [2, 3, 1, 0]) as Tensor4D; // [kh, kw, in / group, out]
  if (group === 1) return addBiasNchw(toNchw(tf.conv2d(padded, area, stride, 'valid')), bias);
  if (group !== x!.shape[1] || filter!.shape[0] !== group)
    throw new RangeError(`${group} groups of ${x!.shape[1]} channels`);
  const depthwise = tf.transpose(area, [0, 1, 3, 2]) as Tensor4D; // [kh, kw, channels, 1]
  return addBiasNchw(toNchw(tf.depthwiseConv2d(padded, depthwise, stride, 'valid')), bias);
}

/** `filter` is `[in, out / group, kh, kw]`. */
function convTranspose([x, filter, bias]: Tensor[], attributes: Attributes): Tensor {
  const { stride, top, left, bottom, right } = windowOf(attributes);
  const [below, beside] = attributes.ints('output_padding', [0, 0]) as [number, number];
  const group = attributes.int('group', 1);
  const [n, inChannels, h, w] = x!.shape as [number, number, number, number];
  const [, , kh, kw] = filter!.shape as [number, number, number, number];
  const [height, width] = [(h - 1) * stride + kh + below, (w - 1) * stride + kw + beside];
  const xs = tf.split(x!, group, 1);
  const filters = tf.split(filter!, group, 0);
  const outputs = xs.map((group, i) => {
    const area = tf.transpose(filters[i]!, [2, 3, 1, 0]) as Tensor4D; // [kh, kw, out, in]
    return tf.conv2dTranspose(toNhwc(group), area, [n, height, width, area.shape[2]], stride, 'valid');
  });
  const whole = toNchw(tf.concat(outputs, 3));
  if (inChannels % group !== 0) throw new RangeError(`${group} groups of ${inChannels} channels`);
  const size = [n, whole.shape[1]!, height - top - bottom, width - left - right];
  return addBiasNchw(tf.slice(whole, [0, 0, top, left], size), bias);
}

function gemm([a, b, c]: Tensor[], attributes: Attributes): Tensor {
  const product = tf.matMul(a!, b!, attributes.int('transA', 0) === 1, attributes.int('transB', 0) === 1);
  const scaled = tf.mul(product, attributes.float('alpha', 1));
  return c === undefined ? scaled : tf.add(scaled, tf.mul(c, attributes.float('beta', 1)));
}

/** The numbers of a constant tensor of integers, such as axes. */
const integersOf = (tensor: Tensor): number[] => [...tensor.dataSync<'int32'>()];

function flattened(x: Tensor, axis: number): Tensor {
  const outer = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
  return tf.reshape(x, [outer, x.size / outer]);
}

type Operator = (inputs: Tensor[], attributes: Attributes) => Tensor;

/** Exactly the operators that `onnx-kernels.ts` writes (https://onnx.ai/onnx/operators). */
const OPERATORS: Readonly<Record<string, Operator>> = {
  Abs: ([x]) => tf.abs(x!),
  Add: ([a, b]) => tf.add(a!, b!),
  // Values are float32 here, whatever their type in the file.
  Cast: ([x]) => tf.clone(x!),
  Clip: ([x, low, high]) => tf.minimum(tf.maximum(x!, low!), high!),
  Concat: (xs, attributes) => tf.concat(xs, attributes.int('axis', 0)),
  Conv: conv,
  ConvTranspose: convTranspose,
  Div: ([a, b]) => tf.div(a!, b!),
  Flatten: ([x], attributes) => flattened(x!, attributes.int('axis', 1)),
  Gemm: gemm,
  Identity: ([x]) => tf.clone(x!),
  LeakyRelu: ([x], attributes) => tf.leakyRelu(x!, attributes.float('alpha', 0.01)),
  Mul: ([a, b]) => tf.mul(a!, b!),
  Reciprocal: ([x]) => tf.reciprocal(x!),
  ReduceMean: ([x], attributes) =>
    tf.mean(x!, [...attributes.ints('axes', [])], attributes.int('keepdims', 1) === 1),
  ReduceSum: ([x, axes], attributes) => tf.sum(x!, integersOf(axes!), attributes.int('keepdims', 1) === 1),
  Reshape: ([x, shape]) => tf.reshape(x!, integersOf(shape!)),
  Sigmoid: ([x]) => tf.sigmoid(x!),
  Softplus: ([x]) => tf.softplus(x!),
  Sqrt: ([x]) => tf.sqrt(x!),
  Log: ([x]) => tf.log(x!),
  Squeeze: ([x, axes]) => tf.squeeze(x!, integersOf(axes!)),
  Sub: ([a, b]) => tf.sub(a!, b!),
  Transpose: ([x], attributes) => tf.transpose(x!, [...attributes.ints('perm', [])]),
  Unsqueeze: ([x, axes]) =>
    integersOf(axes!)
      .sort((a, b) => a - b)
      .reduce((value, axis) => tf.expandDims(value, axis), x!),
};

/** The last node that reads each value. */
function lastUses(nodes: readonly OnnxNode[]): Map<string, number> {
  return new Map(nodes.flatMap(({ inputs }, i) => inputs.map((name): [string, number] => [name, i])));
}

function runNode(node: OnnxNode, values: ReadonlyMap<string, Tensor>): Tensor {
  const operator = Object.hasOwn(OPERATORS, node.op) ? OPERATORS[node.op] : undefined;
  if (operator === undefined) throw new RangeError(`no operator ${node.op} is known`);
  const inputs = node.inputs.map((name) => {
    const tensor = values.get(name);
    if (tensor === undefined) throw new RangeError(`${node.name} reads ${name}, which no node produces`);
    return tensor;
  });
  try {
    return tf.tidy(() => operator(inputs, new Attributes(node)));
  } catch (error) {
    throw new RangeError(`${node.op} ${node.name}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Runs an exported graph on the current tfjs backend, operator by operator, with plain tfjs operations. It uses none of the
 * project's own operations, so that it checks an export independently when no other runtime is there. It is slow, and frees
 * every value after its last use.
 *
 * @param inputs arrays by name. @returns the outputs by name.
 * @throws RangeError for an operator that exported graphs do not have, and for shapes that do not fit.
 */
export function interpret(
  { graph }: OnnxModel,
  inputs: Readonly<Record<string, HostArray>>,
): Record<string, HostArray> {
  const values = new Map<string, Tensor>();
  const uses = lastUses(graph.nodes);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  try {
    for (const { name, shape, data } of graph.initializers)
      values.set(name, tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32'));
    for (const { name } of graph.inputs) {
      const input = inputs[name];
      if (input === undefined) throw new RangeError(`the input ${name} is missing`);
      values.set(name, tf.tensor(input.data, [...input.shape]));
    }
    for (const [i, node] of graph.nodes.entries()) {
      values.set(node.outputs[0]!, runNode(node, values));
      for (const name of new Set(node.inputs))
        if (uses.get(name) === i && !outputs.has(name)) {
          values.get(name)?.dispose();
          values.delete(name);
        }
    }
    const results = [...outputs].map((name): [string, HostArray] => {
      const tensor = values.get(name);
      if (tensor === undefined) throw new RangeError(`no node produces the output ${name}`);
      return [name, { shape: tensor.shape, data: tensor.dataSync<'float32'>() }];
    });
    return Object.fromEntries(results);
  } finally {
    for (const tensor of values.values()) tensor.dispose();
  }
}
