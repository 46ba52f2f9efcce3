// Whether every node of a program has a kernel on a device, and what would travel between device and host.
import { type GraphNode, nodeOf } from './graph.js';
import type { DeviceType, KernelRegistry } from './kernel-registry.js';
import { argumentNames } from './op-arguments.js';
import { bytesOf, typeName } from './tensor-size.js';

/** Nodes alike that no kernel serves. */
export interface MissingKernel {
  op: string;
  /** The nodes' types, such as `T=bfloat16, Tidx=int32`. */
  types: string;
  nodes: number;
  /** Whether the CPU has a kernel for them. */
  isCpuOnly: boolean;
}

/** Tensors alike that a device's kernels make or take on the host, so that each one is copied. */
export interface HostCopy {
  direction: 'device to host' | 'host to device';
  /** The operation that makes the tensor. */
  from: string;
  /** The operation that takes it, and its argument. */
  to: string;
  type: string;
  copies: number;
  bytes: number;
}

/** What a program finds on a device. */
export interface KernelCheck {
  nodes: number;
  missing: MissingKernel[];
  /** Copies between operations. Copies of what is fed are not among them. */
  copies: HostCopy[];
  /** Bytes of what is fed and copied to the device. */
  fedBytes: number;
}

/** A node, and which of its outputs are in the host's memory. */
interface Placed {
  node: GraphNode;
  onHost: readonly boolean[];
}

/**
 * @param nodes of a program, each behind its inputs, as `Graph.nodesFor` gives them.
 * @throws RangeError for an operation whose arguments are not known.
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
    // Without a kernel a node would go to the CPU, where everything is on the host.
    const isOnHost = (name: string): boolean => kernel === undefined || kernel.hostMemory.includes(name);
    // What is fed stays on the host until it is sent where it is used.
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

/** Copies between host and device, each tensor counted once: TensorFlow sends it once, however many use it. */
class CopyCount {
  private readonly entries = new Map<string, HostCopy>();
  private readonly sent = new Set<string>();
  private fedBytes = 0;

  get result(): Pick<KernelCheck, 'copies' | 'fedBytes'> {
    return { copies: [...this.entries.values()], fedBytes: this.fedBytes };
  }

  /** @param source `node` or `node:output`, of the node that makes the tensor. */
  add({ node, onHost }: Placed, source: string, to: string, isWantedOnHost: boolean): void {
    const output = Number(source.split(':')[1] ?? 0);
    if (onHost[output] === isWantedOnHost || this.sent.has(source)) return;
    this.sent.add(source);
    const info = node.outputs[output]!;
    const bytes = bytesOf(info);
    if (node.op === 'Placeholder') {
      this.fedBytes += bytes;
      return;
    }
    const direction = isWantedOnHost ? 'device to host' : 'host to device';
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
