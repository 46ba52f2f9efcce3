// Encodes and decodes ONNX files.
import { float16ToFloat32 } from '../../base/half-floats.js';
import {
  bytesField,
  type Encoded,
  floatField,
  intField,
  message,
  messageField,
  readFields,
  readPacked,
  type WireField,
} from '../../base/protobuf.js';
import { toFloat16 } from '../model-folder.js';
import {
  ONNX_DTYPE_CODES,
  type OnnxAttribute,
  type OnnxDtype,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './graph.js';

// Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
const MODEL = { irVersion: 1, producer: 2, producerVersion: 3, graph: 7, opset: 8, metadata: 14 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, description: 10, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, ints: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;
const TENSOR = { dims: 1, dtype: 2, name: 8, raw: 9 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE_TENSOR = 1;
const TENSOR_TYPE = { dtype: 1, shape: 2 } as const;
const SHAPE_DIM = 1;
const DIM = { value: 1, parameter: 2 } as const;
const OPSET_VERSION = 2;
const ENTRY = { key: 1, value: 2 } as const;

/** The opset of all operators, and the version of the file format that belongs to it. */
export const OPSET = 17;
const IR_VERSION = 8;
const PRODUCER = 'gans-n-roses';

function rawBytes({ name, dtype, data }: OnnxTensor): Uint8Array {
  if (dtype === 'int64') return new Uint8Array(BigInt64Array.from(data as Int32Array, BigInt).buffer);
  if (dtype === 'float32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(toFloat16(name, data as Float32Array).buffer);
}

function encodeTensor(tensor: OnnxTensor): Encoded[] {
  return [
    ...tensor.shape.map((size) => intField(TENSOR.dims, size)),
    intField(TENSOR.dtype, ONNX_DTYPE_CODES[tensor.dtype]),
    bytesField(TENSOR.name, tensor.name),
    bytesField(TENSOR.raw, rawBytes(tensor)),
  ];
}

function encodeAttribute(name: string, attribute: OnnxAttribute): Encoded[] {
  const named = bytesField(ATTRIBUTE.name, name);
  const type = (code: number): Encoded => intField(ATTRIBUTE.type, code);
  if ('float' in attribute)
    return [named, floatField(ATTRIBUTE.float, attribute.float), type(ATTRIBUTE_TYPE.float)];
  if ('int' in attribute) return [named, intField(ATTRIBUTE.int, attribute.int), type(ATTRIBUTE_TYPE.int)];
  return [
    named,
    ...attribute.ints.map((value) => intField(ATTRIBUTE.ints, value)),
    type(ATTRIBUTE_TYPE.ints),
  ];
}

function encodeNode({ op, name, inputs, outputs, attributes }: OnnxNode): Encoded[] {
  return [
    ...inputs.map((input) => bytesField(NODE.input, input)),
    ...outputs.map((output) => bytesField(NODE.output, output)),
    bytesField(NODE.name, name),
    bytesField(NODE.op, op),
    ...Object.entries(attributes).map(([key, value]) =>
      messageField(NODE.attribute, encodeAttribute(key, value)),
    ),
  ];
}

function encodeValue({ name, dtype, shape }: OnnxValue): Encoded[] {
  const dims = shape.map((size) =>
    messageField(SHAPE_DIM, [
      typeof size === 'number' ? intField(DIM.value, size) : bytesField(DIM.parameter, size),
    ]),
  );
  const tensorType = [
    intField(TENSOR_TYPE.dtype, ONNX_DTYPE_CODES[dtype]),
    messageField(TENSOR_TYPE.shape, dims),
  ];
  return [bytesField(VALUE.name, name), messageField(VALUE.type, [messageField(TYPE_TENSOR, tensorType)])];
}

function encodeGraph(graph: OnnxGraph): Encoded[] {
  return [
    ...graph.nodes.map((node) => messageField(GRAPH.node, encodeNode(node))),
    bytesField(GRAPH.name, graph.name),
    ...graph.initializers.map((tensor) => messageField(GRAPH.initializer, encodeTensor(tensor))),
    bytesField(GRAPH.description, graph.description),
    ...graph.inputs.map((value) => messageField(GRAPH.input, encodeValue(value))),
    ...graph.outputs.map((value) => messageField(GRAPH.output, encodeValue(value))),
  ];
}

/** Encodes an ONNX file as chunks to write in order. float32 weights are not copied. @throws RunError if one is beyond float16. */
export function encodeModel({ graph, producerVersion, metadata }: OnnxModel): Encoded {
  return message([
    intField(MODEL.irVersion, IR_VERSION),
    bytesField(MODEL.producer, PRODUCER),
    bytesField(MODEL.producerVersion, producerVersion),
    messageField(MODEL.graph, encodeGraph(graph)),
    messageField(MODEL.opset, [intField(OPSET_VERSION, OPSET)]),
    ...Object.entries(metadata).map(([key, value]) =>
      messageField(MODEL.metadata, [bytesField(ENTRY.key, key), bytesField(ENTRY.value, value)]),
    ),
  ]);
}

/** A message's fields by number. */
class Fields {
  private readonly all: readonly WireField[];

  constructor(bytes: Uint8Array) {
    this.all = readFields(bytes);
  }

  messages(field: number): Fields[] {
    return this.bytes(field).map((bytes) => new Fields(bytes));
  }

  bytes(field: number): Uint8Array[] {
    return this.values(field).map((value) => {
      if (typeof value === 'number') throw new RangeError(`a number in field ${field}`);
      return value;
    });
  }

  texts(field: number): string[] {
    return this.bytes(field).map((bytes) => new TextDecoder().decode(bytes));
  }

  text(field: number): string {
    return this.texts(field).at(-1) ?? '';
  }

  /** Integers, packed or not; or floats. */
  numbers(field: number): number[] {
    return this.values(field).flatMap((value) => (typeof value === 'number' ? [value] : readPacked(value)));
  }

  number(field: number): number {
    return this.numbers(field).at(-1) ?? 0;
  }

  private values(field: number): (number | Uint8Array)[] {
    return this.all.filter((wire) => wire.field === field).map(({ value }) => value);
  }
}

function dtypeOf(code: number): OnnxDtype {
  const entry = Object.entries(ONNX_DTYPE_CODES).find(([, dtypeCode]) => dtypeCode === code);
  if (entry === undefined) throw new RangeError(`elements of type ${code}`);
  return entry[0] as OnnxDtype;
}

function decodeTensor(fields: Fields): OnnxTensor {
  const shape = fields.numbers(TENSOR.dims);
  const name = fields.text(TENSOR.name);
  const dtype = dtypeOf(fields.number(TENSOR.dtype));
  // A copy, so that elements are aligned; slice() of a Buffer would not copy.
  const { buffer, byteLength } = new Uint8Array(fields.bytes(TENSOR.raw).at(-1) ?? []);
  const count = shape.reduce((product, size) => product * size, 1);
  const elementBytes = { float32: 4, float16: 2, int64: 8 }[dtype];
  if (byteLength !== count * elementBytes)
    throw new RangeError(`${byteLength} bytes for ${name} of shape [${shape}] and type ${dtype}`);
  if (dtype === 'float32') return { name, dtype, shape, data: new Float32Array(buffer) };
  if (dtype === 'int64')
    return { name, dtype, shape, data: Int32Array.from(new BigInt64Array(buffer), Number) };
  const data = new Float32Array(count);
  float16ToFloat32(new Uint16Array(buffer), data);
  return { name, dtype, shape, data };
}

function decodeAttribute(fields: Fields): [string, OnnxAttribute] {
  const name = fields.text(ATTRIBUTE.name);
  switch (fields.number(ATTRIBUTE.type)) {
    case ATTRIBUTE_TYPE.float:
      return [name, { float: fields.number(ATTRIBUTE.float) }];
    case ATTRIBUTE_TYPE.int:
      return [name, { int: fields.number(ATTRIBUTE.int) }];
    case ATTRIBUTE_TYPE.ints:
      return [name, { ints: fields.numbers(ATTRIBUTE.ints) }];
    default:
      throw new RangeError(`the attribute ${name} of another type`);
  }
}

function decodeNode(fields: Fields): OnnxNode {
  return {
    op: fields.text(NODE.op),
    name: fields.text(NODE.name),
    inputs: fields.texts(NODE.input),
    outputs: fields.texts(NODE.output),
    attributes: Object.fromEntries(fields.messages(NODE.attribute).map(decodeAttribute)),
  };
}

function decodeValue(fields: Fields): OnnxValue {
  const type = fields.messages(VALUE.type).at(-1)?.messages(TYPE_TENSOR).at(-1);
  if (type === undefined) throw new RangeError('a value that is no tensor');
  const dims = type.messages(TENSOR_TYPE.shape).at(-1)?.messages(SHAPE_DIM) ?? [];
  return {
    name: fields.text(VALUE.name),
    dtype: dtypeOf(type.number(TENSOR_TYPE.dtype)),
    shape: dims.map((dim) => dim.texts(DIM.parameter)[0] ?? dim.number(DIM.value)),
  };
}

/**
 * Reads files of `encodeModel`, and other files with the same features.
 *
 * @throws RangeError if the bytes are no ONNX file of this opset, or use features that the exported graphs do not have.
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const model = new Fields(bytes);
  const version = model.messages(MODEL.opset)[0]?.number(OPSET_VERSION);
  if (version !== OPSET) throw new RangeError(`opset ${version ?? 'none'} instead of ${OPSET}`);
  const graph = model.messages(MODEL.graph).at(-1);
  if (graph === undefined) throw new RangeError('a model without a graph');
  return {
    producerVersion: model.text(MODEL.producerVersion),
    metadata: Object.fromEntries(
      model.messages(MODEL.metadata).map((entry) => [entry.text(ENTRY.key), entry.text(ENTRY.value)]),
    ),
    graph: {
      name: graph.text(GRAPH.name),
      description: graph.text(GRAPH.description),
      inputs: graph.messages(GRAPH.input).map(decodeValue),
      outputs: graph.messages(GRAPH.output).map(decodeValue),
      nodes: graph.messages(GRAPH.node).map(decodeNode),
      initializers: graph.messages(GRAPH.initializer).map(decodeTensor),
    },
  };
}
