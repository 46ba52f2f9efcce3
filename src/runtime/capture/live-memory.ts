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
    const ops = new Map(this.nodes.map(({ name, op }) => [name, op]));
    for (const { op, inputs, outputs } of this.nodes)
      if (op === 'ReadVariableOp' && !this.variables.has(inputs[0]!))
        this.variables.set(inputs[0]!, this.allocate(bytesOf(outputs[0]!)));
    const variableBytes = this.live;
    // Inputs are there before the first kernel, and their owner keeps them to the end.
    for (const { name, op, outputs } of this.nodes)
      if (op === 'Placeholder') this.blocks.set(name, this.allocate(bytesOf(outputs[0]!)));
    const assignments = this.assignments();
    for (const node of this.nodes) {
      if (node.op === 'Placeholder' || node.op === 'AssignVariableOp') continue;
      this.step(node, ops);
      for (const assignment of assignments.get(node.name) ?? []) this.step(assignment, ops);
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

  private step(node: GraphNode, ops: ReadonlyMap<string, string>): void {
    const { name, op, outputs } = node;
    const inputs = node.inputs.filter((input) => !input.startsWith('^'));
    if (op === 'AssignVariableOp') this.assign(inputs[0]!, inputs[1]!);
    else if (op !== 'VarHandleOp')
      for (const [i, info] of outputs.entries()) {
        const key = i === 0 ? name : `${name}:${i}`;
        const block = this.blockFor(op, inputs, bytesOf(info));
        // A constant belongs to the graph; a result that nothing uses goes at once.
        if (op !== 'Const') block.holders += this.uses.get(key) ?? 0;
        this.blocks.set(key, block);
        if (op !== 'Const') this.release(block);
      }
    for (const input of inputs) {
      const block = this.blocks.get(input);
      const source = ops.get(nodeOf(input));
      if (block !== undefined && source !== 'Placeholder' && source !== 'Const') this.release(block);
    }
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
