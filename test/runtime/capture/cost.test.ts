import { beforeAll, describe, expect, it } from 'vitest';
import { recordTraining } from '../../../src/bench/captured-programs.js';
import { costByOp, costOf, kernelWorks } from '../../../src/runtime/capture/cost.js';
import type { TensorInfo } from '../../../src/runtime/capture/shape-rules.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { MIN_LAYERS, tinyConfig } from '../../support/config.js';
import { float, HandMadeGraph, half } from '../../support/graphs.js';

/** The work of one operation on fed tensors. */
function workOf(op: string, inputs: TensorInfo[], ...outputs: TensorInfo[]) {
  const graph = new HandMadeGraph();
  const made = graph.node(
    op,
    inputs.map((info) => graph.input(info)),
    ...outputs,
  );
  const works = kernelWorks(graph.nodesFor(made));
  expect(works).toHaveLength(1);
  return works[0]!;
}

describe('kernelWorks', () => {
  it('counts two operations for each product that a convolution sums', () => {
    // 2 images of 8 x 8 pixels, 3x3 filters from 5 to 7 channels, stride 2 without padding: 3 x 3 pixels.
    const [x, filter, y] = [float(2, 8, 8, 5), float(3, 3, 5, 7), float(2, 3, 3, 7)];
    const sizes = float(4);
    const flops = 2 * (2 * 3 * 3) * (3 * 3 * 5 * 7);
    expect(workOf('Conv2D', [x, filter], y)).toEqual({
      op: 'Conv2D',
      isMatrix: true,
      isBfloat16: false,
      flops,
      bytes: 4 * (2 * 8 * 8 * 5 + 3 * 3 * 5 * 7 + 2 * 3 * 3 * 7),
    });
    expect(workOf('Conv2DBackpropInput', [sizes, filter, y], x)).toMatchObject({ flops, isMatrix: true });
    expect(workOf('Conv2DBackpropFilter', [x, sizes, y], filter)).toMatchObject({ flops, isMatrix: true });
  });

  it('counts two operations for each product that a matrix product sums, transposed or not', () => {
    for (const [a, b] of [
      [float(3, 5), float(5, 7)],
      [float(5, 3), float(7, 5)],
    ] as const)
      expect(workOf('MatMul', [a, b], float(3, 7)).flops).toBeCloseTo(2 * 3 * 5 * 7, 9);
  });

  it('counts a depthwise blur by its filter, a sum by its input, and moving numbers as nothing', () => {
    const [image, blurred] = [float(1, 8, 8, 5), float(1, 5, 5, 5)];
    const blur = float(4, 4, 5, 1);
    const flops = 2 * 16 * 5 * 5 * 5;
    expect(workOf('DepthwiseConv2dNative', [image, blur], blurred)).toMatchObject({
      flops,
      isMatrix: false,
    });
    expect(workOf('DepthwiseConv2dNativeBackpropInput', [float(4), blur, blurred], image).flops).toBe(flops);
    expect(workOf('Sum', [float(6, 7), float(1)], float(7)).flops).toBe(42);
    expect(workOf('AddN', [float(4), float(4), float(4)], float(4)).flops).toBe(8);
    expect(workOf('Mul', [float(), float(4)], float(4)).flops).toBe(4);
    expect(workOf('Pad', [float(2, 2), float(2, 2)], float(4, 4)).flops).toBe(0);
  });

  it('counts bytes by type, and for a slice only the part that it reads', () => {
    expect(workOf('Cast', [float(10)], half(10)).bytes).toBe(60);
    expect(workOf('Conv2D', [half(1, 4, 4, 2), half(1, 1, 2, 2)], half(1, 4, 4, 2))).toMatchObject({
      isBfloat16: true,
      bytes: 2 * (32 + 4 + 32),
    });
    expect(workOf('Slice', [float(100), float(1), float(1)], float(10)).bytes).toBe(80);
  });

  it('has no kernels for nodes that only name memory', () => {
    const graph = new HandMadeGraph();
    const { handle, read } = graph.variable(float(4));
    const shaped = graph.node('Reshape', [read, graph.ints(2, 2)], float(2, 2));
    const doubled = graph.node('AddV2', [shaped, shaped], float(2, 2));
    const assigned = graph.node('AssignVariableOp', [handle, doubled]);
    const result = graph.node('Identity', [doubled, `^${assigned}`], float(2, 2));
    expect(kernelWorks(graph.nodesFor(result)).map(({ op }) => op)).toEqual(['AddV2']);
  });
});

describe('the cost of a program', () => {
  it('is the sum over its kernels', () => {
    const works = [
      { op: 'Conv2D', isMatrix: true, isBfloat16: false, flops: 100, bytes: 3e6 },
      { op: 'Mul', isMatrix: false, isBfloat16: false, flops: 1, bytes: 1e6 },
      { op: 'Mul', isMatrix: false, isBfloat16: false, flops: 2, bytes: 2e6 },
    ];
    expect(costOf(works)).toEqual({ kernels: 3, smallKernels: 1, flops: 103, matrixFlops: 100, bytes: 6e6 });
    expect([...costByOp(works)]).toEqual([
      ['Conv2D', { kernels: 1, smallKernels: 0, flops: 100, matrixFlops: 100, bytes: 3e6 }],
      ['Mul', { kernels: 2, smallKernels: 1, flops: 3, matrixFlops: 0, bytes: 3e6 }],
    ]);
  });

  beforeAll(async () => {
    await loadEngine();
  });

  it('of a training step has the same operations in every arithmetic, and fewer bytes in bfloat16', () => {
    const costs = (['float32', 'bfloat16'] as const).map((arithmetic) => {
      const config = tinyConfig({ model: { ...MIN_LAYERS, channelDivisor: 16 }, runtime: { arithmetic } });
      const { graph, endpoints } = recordTraining(config);
      const works = kernelWorks(graph.nodesFor(Object.values(endpoints.withR1!.outputs)));
      return { works, cost: costOf(works), byOp: costByOp(works) };
    });
    const [float32, bfloat16] = costs as [(typeof costs)[number], (typeof costs)[number]];
    expect(bfloat16.cost.flops).toBe(float32.cost.flops);
    expect(float32.works.some(({ isBfloat16 }) => isBfloat16)).toBe(false);
    for (const op of ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'])
      expect(bfloat16.byOp.get(op)!.bytes).toBeLessThan(float32.byOp.get(op)!.bytes);
    expect(bfloat16.byOp.get('Cast')!.kernels).toBeGreaterThan(0);
  });
});
