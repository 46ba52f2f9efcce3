// Computes the peak memory of a program's tensors if its kernels run in the order of recording.
import { type GraphNode, nodeOf } from './graph.js';
import { bytesOf } from './tensor-size.js';

/** Operations whose output shares the memory of their input. */
const ALIASES: ReadonlySet<string> = new Set(['Identity', 'Reshape']);
/** Operations that write into the memory of an input that nothing else needs. */
const IN_PLACE: ReadonlySet<string> = new Set([
  'Abs',
  'AddN',
  'AddV2',
  'BiasAdd',
  'Floor',
  'LeakyRelu',
  'LeakyReluGrad',
  'Log',
  'Mul',
  'RealDiv',
  'Rsqrt',
  'Sigmoid',
  'Sign',
  'Softplus',
  'Sqrt',
  'Square',
  'Sub',
]);

/** Operations whose outputs stay until the program ends. */
const OWNED: ReadonlySet<string> = new Set(['Const', 'Placeholder']);

/** Bytes of tensors, without the memory that cuDNN, the allocator and TensorFlow itself need. */
export interface LiveMemory {
  /** Variables before and after the program runs. */
  variableBytes: number;
  /** The most memory of variables, inputs and other tensors that are alive at the same time. */
  peakBytes: number;
}

/** Memory that one or more tensors share. */
interface Block {
  bytes: number;
  holders: number;
}

/**
 * Goes through a program's kernels one after another, without computing, and frees tensors after their last use. As in
 * TensorFlow, a variable takes over the memory of its new value, and elementwise kernels write in place where possible.
 *
 * @param nodes the nodes of the program, each after its inputs, as `Graph.nodesFor` returns them.
 */
export function liveMemory(nodes: readonly GraphNode[]): LiveMemory {
  return new Schedule(nodes).run();
}

class Schedule {
  /** Memory of every live output by `node` or `node:output`. */
  private readonly blocks = new Map<string, Block>();
  private readonly variables = new Map<string, Block>();
  /** The number of uses of each output that are still to come. */
  private readonly uses = new Map<string, number>();
  private live = 0;
  private peak = 0;

  constructor(private readonly nodes: readonly GraphNode[]) {
    for (const { inputs } of nodes)
      for (const input of inputs)
        if (!input.startsWith('^')) this.uses.set(input, (this.uses.get(input) ?? 0) + 1);
  }

  run(): LiveMemory {
    for (const { op, inputs, outputs } of this.nodes)
      if (op === 'ReadVariableOp' && !this.variables.has(inputs[0]!))
        this.variables.set(inputs[0]!, this.allocate(bytesOf(outputs[0]!)));
    const variableBytes = this.live;
    // Inputs exist before the first kernel.
    for (const node of this.nodes) if (node.op === 'Placeholder') this.step(node);
    const assignments = this.assignments();
    for (const node of this.nodes) {
      if (node.op === 'AssignVariableOp') continue;
      if (node.op !== 'Placeholder') this.step(node);
      for (const assignment of assignments.get(node.name) ?? []) this.step(assignment);
    }
    return { variableBytes, peakBytes: this.peak };
  }

  /** Assignments by the node that computes the value: they are recorded last, but run as soon as it exists. */
  private assignments(): Map<string, GraphNode[]> {
    const byValue = new Map<string, GraphNode[]>();
    for (const node of this.nodes) {
      if (node.op !== 'AssignVariableOp') continue;
      const value = nodeOf(node.inputs[1]!);
      byValue.set(value, [...(byValue.get(value) ?? []), node]);
    }
    return byValue;
  }

  private step({ name, op, inputs: names, outputs }: GraphNode): void {
    const inputs = names.filter((input) => !input.startsWith('^'));
    if (op === 'AssignVariableOp') this.assign(inputs[0]!, inputs[1]!);
    for (const [i, info] of outputs.entries()) {
      const key = i === 0 ? name : `${name}:${i}`;
      const block = this.blockFor(op, inputs, bytesOf(info));
      block.holders += this.uses.get(key) ?? 0;
      this.blocks.set(key, block);
      // The kernel itself releases its output; inputs and constants have an owner who keeps them.
      if (!OWNED.has(op)) this.release(block);
    }
    for (const input of inputs) this.release(this.blocks.get(input)!);
  }

  /** The memory for an output, with one more holder. */
  private blockFor(op: string, inputs: readonly string[], bytes: number): Block {
    if (op === 'ReadVariableOp') return hold(this.variables.get(inputs[0]!)!);
    if (ALIASES.has(op)) return hold(this.blocks.get(inputs[0]!)!);
    if (IN_PLACE.has(op)) {
      const free = inputs
        .map((input) => this.blocks.get(input))
        .find((block) => block?.holders === 1 && block.bytes === bytes);
      if (free !== undefined) return hold(free);
    }
    return this.allocate(bytes);
  }

  private assign(variable: string, value: string): void {
    const previous = this.variables.get(variable);
    this.variables.set(variable, hold(this.blocks.get(value)!));
    if (previous !== undefined) this.release(previous);
  }

  private allocate(bytes: number): Block {
    this.live += bytes;
    this.peak = Math.max(this.peak, this.live);
    return { bytes, holders: 1 };
  }

  private release(block: Block): void {
    block.holders--;
    if (block.holders === 0) this.live -= block.bytes;
  }
}

function hold(block: Block): Block {
  block.holders++;
  return block;
}
