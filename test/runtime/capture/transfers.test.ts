import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GraphNode, nodeOf } from '../../../src/runtime/capture/graph.js';
import { recordGraph } from '../../../src/runtime/capture/record.js';
import { stagesOf } from '../../../src/runtime/capture/transfers.js';
import { kernels } from '../../../src/runtime/kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';

beforeAll(async () => void (await loadEngine()));

const SIDE = 8;
const BYTES = 4 * SIDE * SIDE;

/** The nodes of a program of one input and one variable, both square matrices. */
function nodesOf(run: (x: Tensor, variable: Tensor) => Record<string, Tensor>): GraphNode[] {
  const spec = { shape: [SIDE, SIDE], dtype: 'float32' } as const;
  const { graph, endpoints } = recordGraph(
    {
      other: { inputs: { x: spec }, run: (_, { x }) => ({ outputs: { y: product(x!, x!) } }) },
      program: {
        inputs: { x: spec },
        run: ({ variable }, { x }) => ({ outputs: run(x!, variable!) }),
      },
    },
    { variable: spec },
  );
  return graph.nodesFor(Object.values(endpoints.program.outputs));
}

const product = (a: Tensor, b: Tensor): Tensor => kernels().matMul(a, b, false, false);
const square = (x: Tensor): Tensor => kernels().square(x);

/** A chain of products, and beside each of them one that nothing else needs, as the gradients of weights. */
function chain(x: Tensor, weights: Tensor, length: number): { end: Tensor; beside: Tensor[] } {
  const beside: Tensor[] = [];
  let end = x;
  for (let i = 0; i < length; i++) {
    beside.push(product(end, x));
    end = product(end, weights);
  }
  return { end, beside: beside.map(square) };
}

/** The names of all nodes that a node needs, also by control inputs. */
function needsOf(nodes: readonly GraphNode[], name: string): Set<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const needed = new Set<string>();
  const open = [name];
  while (open.length > 0)
    for (const input of byName.get(open.pop()!)!.inputs) {
      const needs = nodeOf(input);
      if (needed.has(needs)) continue;
      needed.add(needs);
      open.push(needs);
    }
  return needed;
}

/** How many nodes were recorded before; -1 for inputs and variables. */
const numberOf = ({ name }: GraphNode): number => Number(/^n(\d+)$/.exec(name)?.[1] ?? -1);

const allReduces = (nodes: readonly GraphNode[]) => nodes.filter(({ op }) => op === 'GnrAllReduce');

describe('all-reduces of a program', () => {
  test('carry what is ready one after another together, and are numbered in this order, whatever that of the tensors', () => {
    const nodes = nodesOf((x, variable) => {
      const { end, beside } = chain(x, variable, 5);
      const averages = kernels().allReduce(
        [beside[4], beside[0], beside[3], beside[1], beside[2]] as Tensor[],
        2 * BYTES,
      );
      return { end, ...Object.fromEntries(averages.entries()) };
    });
    const stages = stagesOf(nodes);
    const sent = allReduces(nodes).map(({ inputs }) => inputs.map((input) => stages.get(nodeOf(input))!));
    expect(sent.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(sent.flat()).toEqual(sent.flat().toSorted((a, b) => a - b));
    expect(new Set(sent.flat()).size).toBe(5);
    expect(allReduces(nodes).map(({ attributes }) => attributes.place)).toEqual(
      [0, 1, 2].map((value) => ({ kind: 'int', value })),
    );
  });

  test('give each tensor its own average', () => {
    const nodes = nodesOf((x, variable) => {
      const { beside } = chain(x, variable, 3);
      const [first, second, third] = beside as [Tensor, Tensor, Tensor];
      const averages = kernels().allReduce([third, first, second], BYTES);
      return Object.fromEntries(averages.entries());
    });
    // Outputs are recorded one after another.
    const outputs = nodes.filter(({ op }) => op === 'Identity').toSorted((a, b) => numberOf(a) - numberOf(b));
    const calls = outputs.map(
      ({ inputs }) => allReduces(nodes).find(({ name }) => name === nodeOf(inputs[0]!))!,
    );
    expect(calls.map(({ attributes }) => attributes.place)).toEqual(
      [2, 0, 1].map((value) => ({ kind: 'int', value })),
    );
  });

  test('find what they send there before any product that was recorded later, which the program does not put off', () => {
    const nodes = nodesOf((x, variable) => {
      const { end, beside } = chain(x, variable, 6);
      return {
        end,
        ...Object.fromEntries(
          kernels()
            .allReduce(beside, 2 * BYTES)
            .entries(),
        ),
      };
    });
    const order = new Map(nodes.map(({ name }, i) => [name, i]));
    for (const { inputs, name } of nodes)
      for (const input of inputs) expect(order.get(nodeOf(input))).toBeLessThan(order.get(name)!);
    const calls = allReduces(nodes);
    expect(calls).toHaveLength(3);
    for (const call of calls) {
      const later = nodes.filter(
        ({ op, name }) => op === 'MatMul' && order.get(name)! > order.get(call.name)!,
      );
      for (const { name } of later)
        expect([...needsOf(nodes, name)]).toEqual(expect.arrayContaining(call.inputs.map(nodeOf)));
      // They wait for what is sent, and not for its arrival.
      for (const { name } of later) expect(needsOf(nodes, name)).not.toContain(call.name);
    }
  });

  test('wait for each other only where one needs the result of the other', () => {
    const nodes = nodesOf((x, variable) => {
      const [mean] = kernels().allReduce([product(x, variable)]);
      const [second] = kernels().allReduce([product(mean!, variable)]);
      return { second: second!, beside: kernels().allReduce([product(x, x)])[0]! };
    });
    const [first, second, beside] = allReduces(nodes);
    expect(needsOf(nodes, second!.name)).toContain(first!.name);
    expect(needsOf(nodes, beside!.name)).not.toContain(second!.name);
    expect(beside!.attributes.place).toEqual({ kind: 'int', value: 2 });
  });
});

test('a program without all-reduces keeps the order in which it was recorded, and its inputs', () => {
  const nodes = nodesOf((x, variable) => {
    const { end, beside } = chain(x, variable, 2);
    return { end, last: kernels().addN(beside) };
  });
  const recorded = nodes.map(numberOf).filter((number) => number >= 0);
  expect(recorded).toEqual(recorded.toSorted((a, b) => a - b));
  expect(nodes.flatMap(({ inputs }) => inputs).filter((input) => input.startsWith('^'))).toEqual([]);
});
