// How much memory a program's tensors take at most, if its kernels run in the order of recording.
import { type GraphNode, nodeOf } from './graph.js';
import { bytesOf } from './tensor-size.js';

/** Give their input's memory on, seen in another shape. */
const ALIASES: ReadonlySet<string> = new Set(['Identity', 'Reshape']);
/** Write into the memory of an input that nothing else needs. */
const IN_PLACE: ReadonlySet<string> = new Set([
  'Abs',
  'AddN',
  'AddV2',
  'BiasAdd',
  'Floor',
  'LeakyRelu',
  'LeakyReluGrad',
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

/** Their outputs have an owner beside those who use them. */
const OWNED: ReadonlySet<string> = new Set(['Const', 'Placeholder']);

/** Bytes of tensors. What cuDNN, the allocator and TensorFlow itself need comes on top. */
export interface LiveMemory {
  /** Variables, before the program runs and after. */
  variableBytes: number;
  /** Variables, inputs and all else that is alive at the same time, at most. */
  peakBytes: number;
}

/** Memory that tensors share. */
interface Block {
  bytes: number;
  holders: number;
}

/**
 * Runs a program's kernels one after another, without computing, and frees what nothing needs any more. Memory changes
 * owners as in TensorFlow: a variable takes over what is assigned to it, and elementwise kernels write in place where they
 * can.
 *
 * @param nodes of a program, each behind its inputs, as `Graph.nodesFor` gives them.
 */
export function liveMemory(nodes: readonly GraphNode[]): LiveMemory {
  return new Schedule(nodes).run();
}

class Schedule {
  /** Memory of every output that is alive, by `node` or `node:output`. */
  private readonly blocks = new Map<string, Block>();
  private readonly variables = new Map<string, Block>();
  /** How often each output is still to be used. */
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
    // Inputs are there before the first kernel.
    for (const node of this.nodes) if (node.op === 'Placeholder') this.step(node);
    const assignments = this.assignments();
    for (const node of this.nodes) {
      if (node.op === 'AssignVariableOp') continue;
      if (node.op !== 'Placeholder') this.step(node);
      for (const assignment of assignments.get(node.name) ?? []) this.step(assignment);
    }
    return { variableBytes, peakBytes: this.peak };
  }

  /** Assignments by the node that makes the value: they are recorded last and run as soon as it is there. */
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
      // What makes it lets go of it; inputs and constants have an owner who keeps them.
      if (!OWNED.has(op)) this.release(block);
    }
    for (const input of inputs) this.release(this.blocks.get(input)!);
  }

  /** The memory of an output, with one holder more than before. */
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
    const before = this.variables.get(variable);
    this.variables.set(variable, hold(this.blocks.get(value)!));
    if (before !== undefined) this.release(before);
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
