// ONNX graphs while they are described: values that know what they are computed from, and their nodes in the end.
import {
  ONNX_DTYPE_CODES,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type WeightPrecision,
} from './graph.js';

export type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** An input of the graph. */
interface Input {
  kind: 'input';
  name: string;
}

/** Constant numbers. */
export interface Constant {
  kind: 'constant';
  name: string;
  shape: readonly number[];
  data: Float32Array | Int32Array;
  /** Whether they are a weight, which the file stores in its precision; other constants stay in full precision. */
  isWeight: boolean;
  /** The part of the network that they belong to, after which the nodes that use them are called. */
  owner?: string;
}

/** The result of an operator. */
export interface Operation {
  kind: 'operation';
  op: string;
  inputs: readonly Expression[];
  attributes: Attributes;
  /** Position among all operations in the order in which they were described. */
  index: number;
  /** The name of its result; by default it follows from the operator and what it reads. */
  name?: string;
}

/**
 * A value of the graph. It becomes part of the file only if an output depends on it, so that an operation may be replaced by
 * one that does more at once.
 */
export type Expression = Input | Constant | Operation;

/** Gives every value of a graph a name of its own. */
class Names {
  private readonly used = new Map<string, number>();

  unique(name: string): string {
    const count = (this.used.get(name) ?? 0) + 1;
    this.used.set(name, count);
    return count === 1 ? name : this.unique(`${name}_${count}`);
  }
}

/** The operations that the outputs depend on, in the order in which they were described. */
function operationsOf(outputs: readonly Operation[]): Operation[] {
  const found = new Set<Operation>(outputs);
  for (const { inputs } of found)
    for (const input of inputs) if (input.kind === 'operation') found.add(input);
  return [...found].sort((a, b) => a.index - b.index);
}

/**
 * The nodes and constants that compute the outputs. A weight in float16 is widened by a Cast: many processors lack arithmetic
 * in float16, and it loses more than the rounding of weights.
 *
 * @param outputs operations with names.
 */
export function nodesOf(
  graphInputs: readonly { name: string }[],
  outputs: readonly Operation[],
  precision: WeightPrecision,
): { nodes: OnnxNode[]; initializers: OnnxTensor[] } {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const names = new Names();
  const values = new Map<Expression, { name: string; owner: string | undefined }>();
  for (const { name } of [...graphInputs, ...outputs]) if (name !== undefined) names.unique(name);

  const nameConstant = ({ name: wanted, shape, data, isWeight }: Constant): string => {
    const name = names.unique(wanted);
    const dtype = data instanceof Int32Array ? 'int64' : isWeight ? precision : 'float32';
    initializers.push({ name, dtype, shape, data });
    if (dtype !== 'float16') return name;
    const cast = names.unique(`${name}/float32`);
    const attributes = { to: { int: ONNX_DTYPE_CODES.float32 } };
    nodes.push({ op: 'Cast', name: cast, inputs: [name], outputs: [cast], attributes });
    return cast;
  };
  /** Operations come in an order in which their inputs are known. */
  const read = (expression: Expression) => {
    let value = values.get(expression);
    if (value === undefined) {
      if (expression.kind === 'operation') throw new RangeError(`${expression.op} reads a later value`);
      value =
        expression.kind === 'input'
          ? { name: expression.name, owner: undefined }
          : { name: nameConstant(expression), owner: expression.owner };
      values.set(expression, value);
    }
    return value;
  };
  for (const operation of operationsOf(outputs)) {
    const { op, attributes, inputs } = operation;
    const sources = inputs.map(read);
    const constants = inputs.flatMap((input) => (input.kind === 'constant' ? (input.owner ?? []) : []));
    const owner = constants[0] ?? sources.find((value) => value.owner !== undefined)?.owner;
    const name = operation.name ?? names.unique(owner === undefined ? op : `${owner}/${op}`);
    values.set(operation, { name, owner });
    nodes.push({ op, name, inputs: sources.map((value) => value.name), outputs: [name], attributes });
  }
  return { nodes, initializers };
}
