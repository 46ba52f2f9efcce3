import { describe, expect, it } from 'vitest';
import { Graph, graphAttribute } from '../../../src/runtime/capture/graph.js';
import { checkKernels } from '../../../src/runtime/capture/kernel-check.js';
import { KernelRegistry } from '../../../src/runtime/capture/kernel-registry.js';
import { argumentNames, opArguments } from '../../../src/runtime/capture/op-arguments.js';
import { shapeRules } from '../../../src/runtime/capture/shape-rules.js';
import { DT_BFLOAT16, DT_FLOAT, DT_INT32 } from '../../../src/runtime/data-types.js';
import { kernelList } from '../../support/kernel-list.js';

const float = (...shape: number[]) => ({ shape, dtype: DT_FLOAT });
const T = { T: graphAttribute.type(DT_FLOAT) };
const reshaping = { ...T, Tshape: graphAttribute.type(DT_INT32) };

/** `x` reshaped to `[3, 2]`, its root, and the sum of both. */
function rootGraph() {
  const graph = new Graph();
  const x = graph.add('Placeholder', [], { dtype: graphAttribute.type(DT_FLOAT) }, [float(2, 3)], 'x');
  const shape = graph.constant(DT_INT32, [2], [3, 2]);
  const reshaped = graph.add('Reshape', [x, shape], reshaping, [float(3, 2)]);
  const root = graph.add('Sqrt', [reshaped], T, [float(3, 2)]);
  const again = graph.add('Sqrt', [reshaped, `^${root}`], T, [float(3, 2)]);
  const sum = graph.add('AddV2', [root, again], T, [float(3, 2)]);
  return graph.nodesFor([sum]);
}

const ALL = [
  { op: 'Placeholder', device: 'DEFAULT' },
  { op: 'Const', device: 'DEFAULT', types: { dtype: [DT_INT32] }, hostMemory: ['output'] },
  { op: 'Reshape', device: 'GPU', types: { T: [DT_FLOAT], Tshape: [DT_INT32] }, hostMemory: ['shape'] },
  { op: 'AddV2', device: 'GPU', types: { T: [DT_FLOAT] } },
  { op: 'AddV2', device: 'CPU', types: { T: [DT_FLOAT] } },
  { op: 'Sqrt', device: 'CPU', types: { T: [DT_FLOAT] } },
];
const GPU_ROOT = { op: 'Sqrt', device: 'GPU', types: { T: [DT_FLOAT] } };

describe('checkKernels', () => {
  it('finds nothing if every node has a kernel that reads tensors where they are', () => {
    const registry = new KernelRegistry(kernelList([...ALL, GPU_ROOT]));
    expect(checkKernels(rootGraph(), registry, 'GPU')).toEqual({
      nodes: 6,
      missing: [],
      copies: [],
      fedBytes: 24,
    });
  });

  it('reports nodes without a kernel by operation and types, and the copies that they would need', () => {
    const check = checkKernels(rootGraph(), new KernelRegistry(kernelList(ALL)), 'GPU');
    expect(check.missing).toEqual([{ op: 'Sqrt', types: 'T=float32', nodes: 2, isCpuOnly: true }]);
    // The reshaped tensor goes to the host once for both roots; each root comes back.
    expect(check.copies).toEqual([
      { direction: 'device to host', from: 'Reshape', to: 'Sqrt.x', type: 'float32', copies: 1, bytes: 24 },
      { direction: 'host to device', from: 'Sqrt', to: 'AddV2.x', type: 'float32', copies: 1, bytes: 24 },
      { direction: 'host to device', from: 'Sqrt', to: 'AddV2.y', type: 'float32', copies: 1, bytes: 24 },
    ]);
  });

  it('reports nodes that no device can run, and counts no copies on a CPU', () => {
    const kernels = ALL.filter(({ op }) => op !== 'Sqrt');
    const check = checkKernels(rootGraph(), new KernelRegistry(kernelList(kernels)), 'CPU');
    expect(check.missing).toEqual([
      { op: 'Reshape', types: 'T=float32, Tshape=int32', nodes: 1, isCpuOnly: false },
      { op: 'Sqrt', types: 'T=float32', nodes: 2, isCpuOnly: false },
    ]);
    expect(check.copies).toEqual([]);
  });

  it('reports types that no kernel allows', () => {
    const graph = new Graph();
    const made = graph.add('Const', [], { dtype: graphAttribute.type(DT_BFLOAT16) }, [
      { shape: [4], dtype: DT_BFLOAT16 },
    ]);
    const check = checkKernels(graph.nodesFor([made]), new KernelRegistry(kernelList(ALL)), 'GPU');
    expect(check.missing).toEqual([{ op: 'Const', types: 'dtype=bfloat16', nodes: 1, isCpuOnly: false }]);
  });
});

describe('argumentNames', () => {
  it('returns one name for each input and output', () => {
    expect(argumentNames('ConcatV2', 4, 1)).toEqual({
      inputs: ['values', 'values', 'values', 'axis'],
      outputs: ['output'],
    });
    expect(argumentNames('SplitV', 3, 2)).toEqual({
      inputs: ['value', 'size_splits', 'split_dim'],
      outputs: ['output', 'output'],
    });
    expect(argumentNames('AssignVariableOp', 2, 0)).toEqual({ inputs: ['resource', 'value'], outputs: [] });
  });

  it('knows every operation of captured programs', () => {
    expect(Object.keys(opArguments)).toEqual(expect.arrayContaining(Object.keys(shapeRules)));
    expect(() => argumentNames('Conv3D', 2, 1)).toThrow('src/runtime/capture/op-arguments.ts');
  });
});
