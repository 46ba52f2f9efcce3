// Checks that every node of a program has a kernel on a device, and counts copies between device and host.
import { type GraphNode, nodeOf } from './graph.js';
import type { DeviceType, KernelRegistry } from './kernel-registry.js';
import { argumentNames } from './op-arguments.js';
import { bytesOf, typeName } from './tensor-size.js';

/** Nodes of one kind that have no kernel. */
export interface MissingKernel {
  op: string;
  /** The nodes' types, such as `T=bfloat16, Tidx=int32`. */
  types: string;
  nodes: number;
  /** Whether the CPU has a kernel for them. */
  isCpuOnly: boolean;
}

/** Tensors of one kind that are copied because a kernel produces or reads them on the host. */
export interface HostCopy {
  direction: 'device to host' | 'host to device';
  /** The operation that produces the tensor. */
  from: string;
  /** The operation that reads it, and its argument. */
  to: string;
  type: string;
  copies: number;
  bytes: number;
}

/** The kernels and copies of a program on a device. */
export interface KernelCheck {
  nodes: number;
  missing: MissingKernel[];
  /** Copies between operations, without those of inputs that are fed. */
  copies: HostCopy[];
  /** Bytes of inputs that are fed and copied to the device. */
  fedBytes: number;
}

/** A node with the place of each output: whether it is in the host's memory. */
interface Placed {
  node: GraphNode;
  onHost: readonly boolean[];
}

/**
 * Checks a program on a kind of device, without running it.
 *
 * @param nodes the nodes of the program, each after its inputs, as `Graph.nodesFor` returns them.
 * @throws RangeError for an operation with unknown arguments.
 */
export function checkKernels(
  nodes: readonly GraphNode[],
  registry: KernelRegistry,
  device: DeviceType,
): KernelCheck {
  const missing = new Map<string, MissingKernel>();
  const placed = new Map<string, Placed>();
  const copies = new CopyCount();
  for (const node of nodes) {
    const kernel = registry.find(node.op, node.types, device);
    if (kernel === undefined) {
      const types = typeNames(node.types);
      const isCpuOnly = registry.find(node.op, node.types, 'CPU') !== undefined;
      entryOf(missing, `${node.op} ${types}`, () => ({ op: node.op, types, nodes: 0, isCpuOnly })).nodes++;
    }
    const data = node.inputs.filter((input) => !input.startsWith('^'));
    const names = argumentNames(node.op, data.length, node.outputs.length);
    // TensorFlow would place a node without a kernel on the CPU, where everything is on the host.
    const isOnHost = (name: string): boolean => kernel === undefined || kernel.hostMemory.includes(name);
    // An input stays on the host until it is sent to the device that uses it.
    const isFed = node.op === 'Placeholder';
    placed.set(node.name, { node, onHost: names.outputs.map((name) => isFed || isOnHost(name)) });
    if (device === 'CPU') continue;
    for (const [i, input] of data.entries()) {
      const name = names.inputs[i]!;
      copies.add(placed.get(nodeOf(input))!, input, `${node.op}.${name}`, isOnHost(name));
    }
  }
  return { nodes: nodes.length, missing: [...missing.values()], ...copies.result };
}

/** Counts copies between host and device. TensorFlow sends a tensor once, however many nodes use it. */
class CopyCount {
  private readonly entries = new Map<string, HostCopy>();
  private readonly sent = new Set<string>();
  private fedBytes = 0;

  get result(): Pick<KernelCheck, 'copies' | 'fedBytes'> {
    return { copies: [...this.entries.values()], fedBytes: this.fedBytes };
  }

  /** @param source `node` or `node:output` of the node that produces the tensor. */
  add({ node, onHost }: Placed, source: string, to: string, isReadOnHost: boolean): void {
    const output = Number(source.split(':')[1] ?? 0);
    if (onHost[output] === isReadOnHost || this.sent.has(source)) return;
    this.sent.add(source);
    const info = node.outputs[output]!;
    const bytes = bytesOf(info);
    if (node.op === 'Placeholder') {
      this.fedBytes += bytes;
      return;
    }
    const direction = isReadOnHost ? 'device to host' : 'host to device';
    const [from, type] = [node.op, typeName(info.dtype)];
    const entry = entryOf(this.entries, `${direction} ${from} ${to} ${type}`, () => {
      return { direction, from, to, type, copies: 0, bytes: 0 };
    });
    entry.copies++;
    entry.bytes += bytes;
  }
}

function entryOf<T>(entries: Map<string, T>, key: string, make: () => T): T {
  const known = entries.get(key) ?? make();
  entries.set(key, known);
  return known;
}

function typeNames(types: Readonly<Record<string, number>>): string {
  const names = Object.entries(types).map(([name, type]) => `${name}=${typeName(type)}`);
  return names.sort().join(', ');
}
