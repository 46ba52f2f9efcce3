// Orders a program around its all-reduces, so that all ranks compute gradients in one order and each travels once it is there.
import { ALL_REDUCE } from '../native-kernels.js';
import { nodeOf } from './graph.js';
import type { NodeMessage } from './graph-messages.js';

/** Most of a step's time is theirs; all other kernels are taken to run at once. */
const PRODUCTS: ReadonlySet<string> = new Set([
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'MatMul',
]);

/**
 * When each node can run: after how many nodes of the program, if all convolutions and matrix products run in the order of
 * recording. A node that is no product can run right after the last product that it needs.
 *
 * @param nodes each after its inputs. @returns stages by the names of nodes.
 */
export function stagesOf(nodes: readonly NodeMessage[]): Map<string, number> {
  const stages = new Map<string, number>();
  for (const [i, { name, op, inputs }] of nodes.entries())
    stages.set(name, PRODUCTS.has(op) ? i + 1 : stageAfter(stages, inputs));
  return stages;
}

function stageAfter(stages: ReadonlyMap<string, number>, inputs: readonly string[]): number {
  return Math.max(0, ...inputs.map((input) => stages.get(nodeOf(input)) ?? 0));
}

/**
 * Puts nodes into the order of their stages, numbers the all-reduces in it, and lets the products behind an all-reduce wait for
 * what it sends. TensorFlow's executor would often put off the gradients of weights, which nothing else needs, until the end of
 * the backward pass, and choose another direction first on each rank, so that most all-reduces would find the others missing.
 *
 * @param nodes of one program, each after its inputs; so are those of the result. Without all-reduces they stay as they are.
 */
export function orderTransfers<N extends NodeMessage>(nodes: readonly N[]): readonly N[] {
  if (!nodes.some(({ op }) => op === ALL_REDUCE)) return nodes;
  const stages = stagesOf(nodes);
  const stageOf = ({ name }: N): number => stages.get(name)!;
  let place = 0;
  /** Of the all-reduces of the last stage that has any. */
  let last = { stage: -1, sent: new Set<string>() };
  const follow = (node: N): N => {
    if (node.op === ALL_REDUCE) {
      if (stageOf(node) > last.stage) last = { stage: stageOf(node), sent: new Set() };
      for (const input of node.inputs) last.sent.add(`^${nodeOf(input)}`);
      return { ...node, attributes: { ...node.attributes, place: { kind: 'int', value: place++ } } };
    }
    // One that needs a product of a later stage waits with that one.
    if (!PRODUCTS.has(node.op) || stageAfter(stages, node.inputs) > last.stage) return node;
    return { ...node, inputs: [...node.inputs, ...last.sent] };
  };
  return nodes.toSorted((a, b) => stageOf(a) - stageOf(b)).map(follow);
}
