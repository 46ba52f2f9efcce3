// ONNX graphs in memory, and a builder for them.
/** Element types of the exported graphs. */
export type OnnxDtype = 'float32' | 'float16' | 'int64';

/** Constant numbers of a graph. Those of float16 are float32 here and are rounded when they are written. */
export interface OnnxTensor {
  name: string;
  dtype: OnnxDtype;
  shape: readonly number[];
  data: Float32Array | Int32Array;
}

/** An attribute; ONNX distinguishes integers from floats. */
export type OnnxAttribute = { int: number } | { ints: readonly number[] } | { float: number };

export interface OnnxNode {
  op: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** An input or output. A size given as text is free, and the same for every occurrence of the text. */
export interface OnnxValue {
  name: string;
  dtype: OnnxDtype;
  shape: readonly (number | string)[];
}

export interface OnnxGraph {
  name: string;
  description: string;
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
  /** Nodes in an order in which they can run. */
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
}

export interface OnnxModel {
  graph: OnnxGraph;
  producerVersion: string;
  /** Facts about the model for its users. */
  metadata: Readonly<Record<string, string>>;
}

/** How weights are stored in the file. */
export type WeightPrecision = 'float32' | 'float16';

/** TensorProto.DataType of onnx.proto. */
export const ONNX_DTYPE_CODES = { float32: 1, int64: 7, float16: 10 } as const satisfies Record<
  OnnxDtype,
  number
>;

/** Collects the nodes and constants of a graph. Every method returns the name of a value. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  private readonly tensors = new Map<string, OnnxTensor>();
  private readonly names = new Set<string>();
  /** float32 values of weights that are stored in float16. */
  private readonly widened = new Map<string, string>();
  private readonly precision: WeightPrecision;

  constructor(precision: WeightPrecision) {
    this.precision = precision;
  }

  get initializers(): OnnxTensor[] {
    return [...this.tensors.values()];
  }

  /** A node with one output, which has the node's name. */
  node(
    op: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    if (this.names.has(name)) throw new RangeError(`two nodes are called ${name}`);
    this.names.add(name);
    this.nodes.push({ op, name, inputs, outputs: [name], attributes });
    return name;
  }

  /** A constant in full precision; the same name means the same constant. */
  constant(name: string, shape: readonly number[], data: Float32Array | Int32Array): string {
    const dtype = data instanceof Int32Array ? 'int64' : 'float32';
    if (!this.tensors.has(name)) this.tensors.set(name, { name, dtype, shape, data });
    return name;
  }

  /**
   * A weight in the precision of the file, as a float32 value: many processors lack arithmetic in float16, and it loses more
   * than the rounding of weights.
   */
  weight(name: string, shape: readonly number[], data: Float32Array): string {
    if (this.precision === 'float32') return this.constant(name, shape, data);
    const known = this.widened.get(name);
    if (known !== undefined) return known;
    this.tensors.set(name, { name, dtype: 'float16', shape, data });
    const wide = this.node('Cast', `${name}/float32`, [name], { to: { int: ONNX_DTYPE_CODES.float32 } });
    this.widened.set(name, wide);
    return wide;
  }
}
