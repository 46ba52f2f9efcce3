// What a recorded program costs: operations, memory traffic and kernels, from the shapes of its nodes.
import { type GraphNode, nodeOf } from './graph.js';
import { DT_BFLOAT16, type TensorInfo } from './shape-rules.js';
import { bytesOf, elementsOf } from './tensor-size.js';

/** What runs no kernel that touches memory: aliases, handles, what is there before. */
const FREE: ReadonlySet<string> = new Set([
  'AssignVariableOp',
  'Const',
  'Identity',
  'Placeholder',
  'ReadVariableOp',
  'Reshape',
  'VarHandleOp',
]);
/** Takes as much as it gives, not the whole of its input. */
const PARTIAL_READS: ReadonlySet<string> = new Set(['GatherV2', 'Slice']);
/** Moves numbers and computes nothing with them. */
const MOVES: ReadonlySet<string> = new Set([
  'BroadcastTo',
  'Cast',
  'ConcatV2',
  'DeepCopy',
  'Fill',
  'GatherV2',
  'Pad',
  'Slice',
  'SplitV',
]);
/** A kernel that moves less than this is bound by its launch. */
const SMALL_BYTES = 2e6;

/** One kernel's work. */
export interface KernelWork {
  op: string;
  /** Convolutions and products, which matrix units compute. */
  isMatrix: boolean;
  /** Whether it multiplies in bfloat16. */
  isBfloat16: boolean;
  /** Multiplications and additions. */
  flops: number;
  /** Inputs read and outputs written, each once. */
  bytes: number;
}

/** Sums over the kernels of a program, or over those of one operation. */
export interface Cost {
  kernels: number;
  /** Kernels that move less than 2 MB. */
  smallKernels: number;
  flops: number;
  /** Of them, those of convolutions and products. */
  matrixFlops: number;
  bytes: number;
}

/** The operations of a convolution or a product, undefined for others: two for each product that is summed. */
function matrixFlops(op: string, inputs: readonly TensorInfo[], output: TensorInfo): number | undefined {
  const [a, b, c] = inputs;
  switch (op) {
    case 'Conv2D':
      return 2 * elementsOf(output) * window(b!) * b!.shape[2]!;
    case 'Conv2DBackpropInput':
      return 2 * elementsOf(c!) * window(b!) * b!.shape[2]!;
    case 'Conv2DBackpropFilter':
      return 2 * elementsOf(c!) * window(output) * output.shape[2]!;
    case 'MatMul':
      // Rows times columns are the output; what is left of one factor is the length of a sum.
      return 2 * Math.sqrt(elementsOf(a!) * elementsOf(b!) * elementsOf(output));
    default:
      return undefined;
  }
}

/** Pixels under a filter `[height, width, ...]`. */
function window({ shape }: TensorInfo): number {
  return shape[0]! * shape[1]!;
}

/** The operations of all other kernels: one for each number, two for each product of a depthwise filter. */
function otherFlops(op: string, inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): number {
  if (MOVES.has(op)) return 0;
  const made = sum(outputs, elementsOf);
  const [first, second, third] = inputs;
  switch (op) {
    case 'DepthwiseConv2dNative':
      return 2 * made * window(second!);
    case 'DepthwiseConv2dNativeBackpropInput':
      return 2 * elementsOf(third!) * window(second!);
    case 'AddN':
      return made * (inputs.length - 1);
    default:
      // Sums and pools take more than they give.
      return Math.max(made, first === undefined ? 0 : elementsOf(first));
  }
}

function sum(infos: readonly TensorInfo[], of: (info: TensorInfo) => number): number {
  return infos.reduce((total, info) => total + of(info), 0);
}

/**
 * The kernels of a program. What only reads or sets variables, reshapes, or is there before is none.
 *
 * @param nodes of a program, each behind its inputs, as `Graph.nodesFor` gives them.
 */
export function kernelWorks(nodes: readonly GraphNode[]): KernelWork[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const infoOf = (input: string): TensorInfo =>
    byName.get(nodeOf(input))!.outputs[Number(input.split(':')[1] ?? 0)]!;
  return nodes
    .filter(({ op }) => !FREE.has(op))
    .map(({ op, inputs: names, types, outputs }) => {
      const inputs = names.filter((name) => !name.startsWith('^')).map(infoOf);
      const written = sum(outputs, bytesOf);
      const product = matrixFlops(op, inputs, outputs[0]!);
      return {
        op,
        isMatrix: product !== undefined,
        isBfloat16: types.T === DT_BFLOAT16,
        flops: product ?? otherFlops(op, inputs, outputs),
        bytes: written + (PARTIAL_READS.has(op) ? written : sum(inputs, bytesOf)),
      };
    });
}

/** Adds kernels up. */
export function costOf(works: readonly KernelWork[]): Cost {
  const cost: Cost = { kernels: works.length, smallKernels: 0, flops: 0, matrixFlops: 0, bytes: 0 };
  for (const { isMatrix, flops, bytes } of works) {
    if (bytes < SMALL_BYTES) cost.smallKernels++;
    if (isMatrix) cost.matrixFlops += flops;
    cost.flops += flops;
    cost.bytes += bytes;
  }
  return cost;
}

/** The sums of each operation, the one that moves most bytes first. */
export function costByOp(works: readonly KernelWork[]): Map<string, Cost> {
  const byOp = new Map<string, KernelWork[]>();
  for (const work of works) byOp.set(work.op, [...(byOp.get(work.op) ?? []), work]);
  const costs = [...byOp].map(([op, of]): [string, Cost] => [op, costOf(of)]);
  return new Map(costs.sort(([, a], [, b]) => b.bytes - a.bytes));
}
