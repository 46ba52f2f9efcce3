// A TensorFlow graph under construction, node by node.
import { DT_FLOAT, DT_INT32 } from '../data-types.js';
import { encodeGraph, type GraphAttribute, type NodeMessage } from './graph-messages.js';
import type { TensorInfo } from './shape-rules.js';

/** Equal constants of up to this many elements share a node. */
const SHARED_ELEMENTS = 64;
/** Nodes that compute nothing. */
const UNCOUNTED: ReadonlySet<string> = new Set(['Const', 'Placeholder', 'VarHandleOp']);

/** Constructors for attributes of graph nodes. */
export const graphAttribute = {
  type: (dtype: number): GraphAttribute => ({ kind: 'type', value: dtype }),
  shape: (shape: readonly number[]): GraphAttribute => ({ kind: 'shape', value: shape }),
  string: (text: string): GraphAttribute => ({ kind: 'string', value: text }),
  tensor: (dtype: number, shape: readonly number[], bytes: Uint8Array): GraphAttribute => ({
    kind: 'tensor',
    dtype,
    shape,
    bytes,
  }),
};

/** A node of a finished program. */
export interface GraphNode {
  name: string;
  op: string;
  /** `node`, `node:output`, or `^node` for a control input. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, GraphAttribute>>;
  /** TensorFlow's codes of the types in its attributes, such as `T`. */
  types: Readonly<Record<string, number>>;
  /** Shape and type of each output. */
  outputs: readonly TensorInfo[];
}

/** A node under construction. */
interface RecordedNode extends NodeMessage {
  readonly outputs: readonly TensorInfo[];
}

/** The name of the node that an input refers to. */
export function nodeOf(input: string): string {
  return input.replace(/^\^/, '').split(':')[0]!;
}

/** A TensorFlow graph under construction. Each node has a name and an operation on outputs of other nodes. */
export class Graph {
  private nodes: RecordedNode[] = [];
  private readonly constants = new Map<string, string>();

  /** Number of nodes so far. */
  get size(): number {
    return this.nodes.length;
  }

  /** All nodes so far, each after its inputs. */
  get messages(): readonly NodeMessage[] {
    return this.nodes;
  }

  /**
   * Adds a node.
   *
   * @param outputs shape and type of each output.
   * @returns the node's name, which is also that of its first output.
   */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, GraphAttribute>>,
    outputs: readonly TensorInfo[],
    name = `n${this.nodes.length}`,
  ): string {
    // Without the values of constants, which the attributes hold.
    const infos = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    this.nodes.push({ name, op, inputs, attributes, outputs: infos });
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
    return [...this.reachableFrom(targets)].filter(({ op }) => !UNCOUNTED.has(op)).length;
  }

  /** The nodes that run for `targets`, in their order in the graph: every node comes after its inputs. */
  nodesFor(targets: readonly string[]): GraphNode[] {
    const needed = this.reachableFrom(targets);
    return this.nodes
      .filter((node) => needed.has(node))
      .map(({ name, op, inputs, attributes, outputs }) => {
        const types: Record<string, number> = {};
        for (const [key, attribute] of Object.entries(attributes))
          if (attribute.kind === 'type') types[key] = attribute.value;
        return { name, op, inputs, attributes, types, outputs };
      });
  }

  /** Replaces the nodes from number `first` on. @param change puts each after its inputs, and adds or removes none. */
  rewrite(first: number, change: <N extends NodeMessage>(nodes: readonly N[]) => readonly N[]): void {
    this.nodes = [...this.nodes.slice(0, first), ...change(this.nodes.slice(first))];
  }

  /** Removes nodes that no target needs. */
  prune(targets: readonly string[]): void {
    const needed = this.reachableFrom(targets);
    this.nodes = this.nodes.filter((node) => needed.has(node));
    this.constants.clear();
  }

  private reachableFrom(targets: readonly string[]): Set<RecordedNode> {
    const byName = new Map(this.nodes.map((node) => [node.name, node]));
    const reached = new Set<RecordedNode>();
    const open = [...targets];
    while (open.length > 0) {
      const node = byName.get(nodeOf(open.pop()!));
      if (node === undefined || reached.has(node)) continue;
      reached.add(node);
      open.push(...node.inputs);
    }
    return reached;
  }

  /** Serializes the graph as a GraphDef. */
  serialize(): Uint8Array {
    return encodeGraph(this.nodes);
  }
}
