// A TensorFlow graph under construction, node by node.
import { createRequire } from 'node:module';
import type { OpAttribute, TensorflowBinding } from '../native-kernels.js';
import { DT_FLOAT, DT_INT32, type TensorInfo } from './shape-rules.js';

/** The parts of tfjs-node's protocol buffer classes that are used here. */
interface Message {
  serializeBinary(): Uint8Array;
}
interface AttrValue extends Message {
  hasType(): boolean;
  getType(): number;
  setS(bytes: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(value: number): void;
  setShape(shape: Message): void;
  setTensor(tensor: Message): void;
  setList(list: Message): void;
}
interface NodeDef extends Message {
  getName(): string;
  getOp(): string;
  getInputList(): string[];
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: string[]): void;
  getAttrMap(): Map<string, AttrValue>;
}
interface Setters extends Message {
  [setter: `set${string}`]: (value: never) => void;
}
interface ProtocolBuffers {
  NodeDef: new () => NodeDef;
  AttrValue: (new () => AttrValue) & { ListValue: new () => Setters };
  TensorShape: (new () => Setters) & { Dim: new () => Setters };
  Tensor: new () => Setters;
  GraphDef: new () => Setters;
  VersionDef: new () => Setters;
}

const messages = createRequire(import.meta.url)(
  '@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js',
) as ProtocolBuffers;

/** The graph version of the nodes; later versions of TensorFlow keep its meaning. */
const GRAPH_PRODUCER = 1987;
/** Equal constants of up to this many elements share a node. */
const SHARED_ELEMENTS = 64;
/** Nodes that compute nothing. */
const UNCOUNTED: ReadonlySet<string> = new Set(['Const', 'Placeholder', 'VarHandleOp']);

function set(message: Setters, values: Record<string, unknown>): Setters {
  for (const [name, value] of Object.entries(values)) {
    const setter = message[`set${name}`] as (value: unknown) => void;
    setter.call(message, value);
  }
  return message;
}

function shapeMessage(shape: readonly number[]): Setters {
  const dims = shape.map((size) => set(new messages.TensorShape.Dim(), { Size: size }));
  return set(new messages.TensorShape(), { DimList: dims });
}

function attrValue(fill: (value: AttrValue) => void): AttrValue {
  const value = new messages.AttrValue();
  fill(value);
  return value;
}

/** Constructors for attributes of graph nodes. */
export const graphAttribute = {
  type: (dtype: number): AttrValue => attrValue((value) => value.setType(dtype)),
  shape: (shape: readonly number[]): AttrValue => attrValue((value) => value.setShape(shapeMessage(shape))),
  string: (text: string): AttrValue => attrValue((value) => value.setS(Buffer.from(text))),
  tensor: (dtype: number, shape: readonly number[], bytes: Uint8Array): AttrValue =>
    attrValue((value) =>
      value.setTensor(
        set(new messages.Tensor(), { Dtype: dtype, TensorShape: shapeMessage(shape), TensorContent: bytes }),
      ),
    ),
};

/** A node of a finished program. */
export interface GraphNode {
  name: string;
  op: string;
  /** `node`, `node:output`, or `^node` for a control input. */
  inputs: readonly string[];
  /** TensorFlow's codes of the types in its attributes, such as `T`. */
  types: Readonly<Record<string, number>>;
  /** Shape and type of each output. */
  outputs: readonly TensorInfo[];
}

/** The name of the node that an input refers to. */
export function nodeOf(input: string): string {
  return input.replace(/^\^/, '').split(':')[0]!;
}

/** A TensorFlow graph under construction. Each node has a name and an operation on outputs of other nodes. */
export class Graph {
  private nodes: NodeDef[] = [];
  private readonly outputs = new Map<string, readonly TensorInfo[]>();
  private readonly constants = new Map<string, string>();

  /** Number of nodes so far. */
  get size(): number {
    return this.nodes.length;
  }

  /**
   * Adds a node.
   *
   * @param outputs shape and type of each output.
   * @returns the node's name, which is also that of its first output.
   */
  add(
    op: string,
    inputs: string[],
    attributes: Record<string, AttrValue>,
    outputs: readonly TensorInfo[],
    name = `n${this.nodes.length}`,
  ): string {
    const node = new messages.NodeDef();
    node.setName(name);
    node.setOp(op);
    node.setInputList(inputs);
    for (const [key, value] of Object.entries(attributes)) node.getAttrMap().set(key, value);
    this.nodes.push(node);
    this.outputs.set(
      name,
      outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    return name;
  }

  /** Adds a constant; equal small ones share a node. @throws RangeError for types that captured programs do not have. */
  constant(dtype: number, shape: readonly number[], values: ArrayLike<number>): string {
    if (dtype !== DT_FLOAT && dtype !== DT_INT32)
      throw new RangeError(`captured programs have no tensors of TensorFlow's type ${dtype}`);
    const array = dtype === DT_INT32 ? Int32Array.from(values) : Float32Array.from(values);
    const bytes = new Uint8Array(array.buffer);
    const key = values.length <= SHARED_ELEMENTS ? `${dtype}:${shape.join()}:${array.join()}` : undefined;
    const known = key === undefined ? undefined : this.constants.get(key);
    if (known !== undefined) return known;
    const attributes = {
      dtype: graphAttribute.type(dtype),
      value: graphAttribute.tensor(dtype, shape, bytes),
    };
    const name = this.add('Const', [], attributes, [{ shape, dtype }]);
    if (key !== undefined) this.constants.set(key, name);
    return name;
  }

  /** The number of kernels that run for `targets`: nodes without constants, placeholders and handles. */
  countKernels(targets: readonly string[]): number {
    return [...this.reachableFrom(targets)].filter((node) => !UNCOUNTED.has(node.getOp())).length;
  }

  /** The nodes that run for `targets`, in the order of recording: every node comes after its inputs. */
  nodesFor(targets: readonly string[]): GraphNode[] {
    const needed = this.reachableFrom(targets);
    return this.nodes
      .filter((node) => needed.has(node))
      .map((node) => {
        const types: Record<string, number> = {};
        node.getAttrMap().forEach((value, key) => {
          if (value.hasType()) types[key] = value.getType();
        });
        const name = node.getName();
        return {
          name,
          op: node.getOp(),
          inputs: node.getInputList(),
          types,
          outputs: this.outputs.get(name)!,
        };
      });
  }

  /** Removes nodes that no target needs. */
  prune(targets: readonly string[]): void {
    const needed = this.reachableFrom(targets);
    this.nodes = this.nodes.filter((node) => needed.has(node));
    this.constants.clear();
  }

  private reachableFrom(targets: readonly string[]): Set<NodeDef> {
    const byName = new Map(this.nodes.map((node) => [node.getName(), node]));
    const reached = new Set<NodeDef>();
    const open = [...targets];
    while (open.length > 0) {
      const node = byName.get(nodeOf(open.pop()!));
      if (node === undefined || reached.has(node)) continue;
      reached.add(node);
      open.push(...node.getInputList());
    }
    return reached;
  }

  /** Serializes the graph as a GraphDef. */
  serialize(): Uint8Array {
    const versions = set(new messages.VersionDef(), { Producer: GRAPH_PRODUCER });
    return set(new messages.GraphDef(), { NodeList: this.nodes, Versions: versions }).serializeBinary();
  }
}

/** Converts an attribute of an eager call to a graph attribute. @throws RangeError for a kind that no kernel uses. */
export function toGraphAttribute({ name, type, value }: OpAttribute, binding: TensorflowBinding): AttrValue {
  return attrValue((attr) => {
    switch (type) {
      case binding.TF_ATTR_STRING:
        attr.setS(Buffer.from(value as string));
        return;
      case binding.TF_ATTR_INT:
        if (Array.isArray(value)) attr.setList(set(new messages.AttrValue.ListValue(), { IList: value }));
        else attr.setI(value as number);
        return;
      case binding.TF_ATTR_FLOAT:
        attr.setF(value as number);
        return;
      case binding.TF_ATTR_BOOL:
        attr.setB(value as boolean);
        return;
      case binding.TF_ATTR_TYPE:
        attr.setType(value as number);
        return;
      default:
        throw new RangeError(`capture cannot record the attribute ${name} of type ${type}`);
    }
  });
}
