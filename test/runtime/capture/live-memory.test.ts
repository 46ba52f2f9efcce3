import { describe, expect, it } from 'vitest';
import { liveMemory } from '../../../src/runtime/capture/live-memory.js';
import { float, HandMadeGraph } from '../../support/graphs.js';

/** 1,000 numbers: 4,000 bytes. */
const X = float(1000);
const BYTES = 4000;
const peak = (graph: HandMadeGraph, ...targets: string[]) => liveMemory(graph.nodesFor(...targets)).peakBytes;

describe('liveMemory', () => {
  it('frees a tensor after its last use', () => {
    const graph = new HandMadeGraph();
    let x = graph.input(X);
    for (let i = 0; i < 5; i++) x = graph.node('Pad', [x], X);
    // The input, which its owner keeps, a kernel's input and its output.
    expect(peak(graph, x)).toBe(3 * BYTES);
  });

  it('keeps a tensor for a later use', () => {
    const graph = new HandMadeGraph();
    const first = graph.node('Pad', [graph.input(X)], X);
    let x = first;
    for (let i = 0; i < 5; i++) x = graph.node('Pad', [x], X);
    expect(peak(graph, graph.node('ConcatV2', [x, first], float(2000)))).toBe(5 * BYTES);
  });

  it('writes in place if nothing else needs the input', () => {
    const graph = new HandMadeGraph();
    const first = graph.node('Pad', [graph.input(X)], X);
    const once = graph.node('Sqrt', [graph.node('Sqrt', [first], X)], X);
    expect(peak(graph, once)).toBe(2 * BYTES);
    const both = graph.node('ConcatV2', [once, first], float(2000));
    expect(peak(graph, both)).toBe(5 * BYTES);
  });

  it('does not write into a fed tensor or a variable', () => {
    const graph = new HandMadeGraph();
    expect(peak(graph, graph.node('Sqrt', [graph.input(X)], X))).toBe(2 * BYTES);
    expect(peak(graph, graph.node('Sqrt', [graph.variable(X).read], X))).toBe(2 * BYTES);
  });

  it('shares memory between shapes', () => {
    const graph = new HandMadeGraph();
    const padded = graph.node('Pad', [graph.input(X)], X);
    const shaped = graph.node('Reshape', [padded, graph.ints(10, 100)], float(10, 100));
    const kept = graph.node('Identity', [shaped], float(10, 100));
    // Two numbers of the shape beside them.
    expect(peak(graph, graph.node('Pad', [kept], X))).toBe(3 * BYTES + 8);
  });

  it('lets a variable take over its new value as soon as it exists, and frees the old one after its last use', () => {
    const step = (keepsOld: boolean) => {
      const graph = new HandMadeGraph();
      const updates = [0, 1, 2].map(() => {
        const { handle, read } = graph.variable(X);
        return { handle, read, next: graph.node('Pad', [read], X) };
      });
      const assigned = updates.map(({ handle, next }) => graph.node('AssignVariableOp', [handle, next]));
      const old = keepsOld ? updates.map(({ read }) => read) : updates.slice(0, 1).map(({ next }) => next);
      const last = graph.node('ConcatV2', old, float(1));
      return liveMemory(graph.nodesFor(last, ...assigned));
    };
    // One new value beside three old ones at a time.
    expect(step(false)).toEqual({ variableBytes: 3 * BYTES, peakBytes: 4 * BYTES });
    expect(step(true)).toEqual({ variableBytes: 3 * BYTES, peakBytes: 6 * BYTES + 4 });
  });

  it('counts every output of an operation that has several', () => {
    const graph = new HandMadeGraph();
    const parts = graph.node('SplitV', [graph.input(X), graph.ints(250, 750)], float(250), float(750));
    expect(peak(graph, graph.node('Pad', [`${parts}:1`, parts], X))).toBe(3 * BYTES + 8);
  });
});
