// Counts the operations, memory traffic and kernels of a recorded program from the shapes of its nodes.

import { DT_BFLOAT16 } from '../data-types.js';
import { type GraphNode, nodeOf } from './graph.js';
import type { TensorInfo } from './shape-rules.js';
import { bytesOf, elementsOf } from './tensor-size.js';

/** Operations without a kernel that touches memory: aliases, handles, values that exist before. */
const FREE: ReadonlySet<string> = new Set([
  'AssignVariableOp',
  'Const',
  'Identity',
  'Placeholder',
  'ReadVariableOp',
  'Reshape',
  'VarHandleOp',
]);
/** Operations that read only as much of their input as they write. */
const PARTIAL_READS: ReadonlySet<string> = new Set(['GatherV2', 'Slice']);
/** Operations that move numbers and compute nothing. */
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
/** The time of a kernel that moves fewer bytes is mostly that of its launch. */
const SMALL_BYTES = 2e6;

/** One kernel's work. */
export interface KernelWork {
  op: string;
  /** Whether it is a convolution or matrix product, which matrix units compute. */
  isMatrix: boolean;
  /** Whether it multiplies in bfloat16. */
  isBfloat16: boolean;
  /** Multiplications and additions. */
  flops: number;
  /** Bytes of inputs and outputs, each counted once. */
  bytes: number;
}

/** Sums over the kernels of a program or of one operation. */
export interface Cost {
  kernels: number;
  /** Kernels that move less than 2 MB. */
  smallKernels: number;
  flops: number;
  /** Those of convolutions and matrix products. */
  matrixFlops: number;
  bytes: number;
}

/** Operations of a convolution or matrix product, two for each product in a sum; undefined for other kernels. */
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
      // sqrt((m k) (k n) (m n)) = m k n.
      return 2 * Math.sqrt(elementsOf(a!) * elementsOf(b!) * elementsOf(output));
    default:
      return undefined;
  }
}

/** Pixels under a filter `[height, width, ...]`. */
function window({ shape }: TensorInfo): number {
  return shape[0]! * shape[1]!;
}

/** Operations of all other kernels: one for each number, two for each product of a depthwise filter. */
function otherFlops(op: string, inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): number {
  if (MOVES.has(op)) return 0;
  const written = sum(outputs, elementsOf);
  const [first, second, third] = inputs;
  switch (op) {
    case 'DepthwiseConv2dNative':
      return 2 * written * window(second!);
    case 'DepthwiseConv2dNativeBackpropInput':
      return 2 * elementsOf(third!) * window(second!);
    case 'AddN':
      return written * (inputs.length - 1);
    default:
      // Sums and pools read more than they write.
      return Math.max(written, first === undefined ? 0 : elementsOf(first));
  }
}

function sum(infos: readonly TensorInfo[], measure: (info: TensorInfo) => number): number {
  return infos.reduce((total, info) => total + measure(info), 0);
}

/**
 * The work of each kernel of a program. Nodes that only read or assign variables, reshape or exist before have none.
 *
 * @param nodes the nodes of a program, each after its inputs, as `Graph.nodesFor` returns them.
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

/** Sums the work of kernels. */
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

/** The cost of each operation, in descending order of bytes. */
export function costByOp(works: readonly KernelWork[]): Map<string, Cost> {
  const byOp = new Map<string, KernelWork[]>();
  for (const work of works) byOp.set(work.op, [...(byOp.get(work.op) ?? []), work]);
  const costs = [...byOp].map(([op, opWorks]): [string, Cost] => [op, costOf(opWorks)]);
  return new Map(costs.sort(([, a], [, b]) => b.bytes - a.bytes));
}
