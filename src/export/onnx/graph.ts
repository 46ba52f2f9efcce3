// ONNX graphs in memory.
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
