// Encodes graphs as TensorFlow's GraphDef.
import {
  blocksOf,
  bytesField,
  bytesOf,
  type Encoded,
  floatField,
  intField,
  intsField,
  message,
  messageField,
} from '../../base/protobuf.js';
import type { Attribute } from '../executor.js';

/** The value of an attribute of a graph's node, which may also be a shape or the values of a constant. */
export type GraphAttribute =
  | Attribute
  | { readonly kind: 'shape'; readonly value: readonly number[] }
  | {
      readonly kind: 'tensor';
      readonly dtype: number;
      readonly shape: readonly number[];
      /** The values in the machine's order of bytes. */
      readonly bytes: Uint8Array;
    };

/** A node to encode. */
export interface NodeMessage {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:output`, or `^node` for a control input. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, GraphAttribute>>;
}

// Field numbers are those of the files in tensorflow/core/framework: graph.proto, node_def.proto, attr_value.proto, ...
const GRAPH = { node: 1, versions: 4 } as const;
const VERSIONS = { producer: 1 } as const;
const NODE = { name: 1, op: 2, input: 3, attribute: 5 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const VALUE = { list: 1, string: 2, int: 3, float: 4, bool: 5, type: 6, shape: 7, tensor: 8 } as const;
const LIST = { int: 3 } as const;
const TENSOR = { dtype: 1, shape: 2, content: 4 } as const;
const SHAPE = { dim: 2 } as const;
const DIM = { size: 1 } as const;

/** The graph version of the nodes; later versions of TensorFlow keep its meaning. */
const PRODUCER = 1987;

const shapeFields = (shape: readonly number[]): Encoded[] =>
  shape.map((size) => messageField(SHAPE.dim, [intField(DIM.size, size)]));

function valueField(attribute: GraphAttribute): Encoded {
  switch (attribute.kind) {
    case 'int':
      return intField(VALUE.int, attribute.value);
    case 'ints':
      return messageField(VALUE.list, [intsField(LIST.int, attribute.value)]);
    case 'float':
      return floatField(VALUE.float, attribute.value);
    case 'bool':
      return intField(VALUE.bool, attribute.value ? 1 : 0);
    case 'type':
      return intField(VALUE.type, attribute.value);
    case 'string':
      return bytesField(VALUE.string, attribute.value);
    case 'shape':
      return messageField(VALUE.shape, shapeFields(attribute.value));
    case 'tensor':
      return messageField(VALUE.tensor, [
        intField(TENSOR.dtype, attribute.dtype),
        messageField(TENSOR.shape, shapeFields(attribute.shape)),
        bytesField(TENSOR.content, attribute.bytes),
      ]);
  }
}

function nodeField({ name, op, inputs, attributes }: NodeMessage): Encoded {
  const encoded = messageField(GRAPH.node, [
    bytesField(NODE.name, name),
    bytesField(NODE.op, op),
    ...inputs.map((input) => bytesField(NODE.input, input)),
    ...Object.entries(attributes).map(([key, value]) =>
      messageField(NODE.attribute, [
        bytesField(ENTRY.key, key),
        messageField(ENTRY.value, [valueField(value)]),
      ]),
    ),
  ]);
  // Tens of thousands of nodes would otherwise be a million small arrays.
  return { bytes: encoded.bytes, chunks: [...blocksOf(encoded)] };
}

/** A graph as a serialized GraphDef. */
export function encodeGraph(nodes: readonly NodeMessage[]): Uint8Array {
  const versions = messageField(GRAPH.versions, [intField(VERSIONS.producer, PRODUCER)]);
  return bytesOf(message([...nodes.map(nodeField), versions]));
}
