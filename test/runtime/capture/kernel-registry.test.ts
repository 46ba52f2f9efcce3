import { describe, expect, it } from 'vitest';
import { KernelRegistry, parseKernelList } from '../../../src/runtime/capture/kernel-registry.js';
import { DT_BFLOAT16, DT_FLOAT, DT_INT32 } from '../../../src/runtime/data-types.js';
import { type KernelFields, kernelList } from '../../support/kernel-list.js';

const registry = (...kernels: KernelFields[]) => new KernelRegistry(kernelList(kernels));

describe('parseKernelList', () => {
  it('reads every field', () => {
    const sum: KernelFields = {
      op: 'Sum',
      device: 'GPU',
      types: { T: [DT_FLOAT, DT_BFLOAT16], Tidx: [DT_INT32] },
      hostMemory: ['reduction_indices'],
      label: 'fast',
      priority: 3,
    };
    const expected = {
      op: 'Sum',
      device: 'GPU',
      constraints: [
        { attribute: 'T', types: [DT_FLOAT, DT_BFLOAT16] },
        { attribute: 'Tidx', types: [DT_INT32] },
      ],
      hostMemory: ['reduction_indices'],
      label: 'fast',
      priority: 3,
    };
    expect(parseKernelList(kernelList([sum]))).toEqual([expected]);
    expect(parseKernelList(kernelList([{ ...sum, isUnpacked: true }]))).toEqual([expected]);
  });

  it('reads missing fields as empty', () => {
    expect(parseKernelList(kernelList([{ op: 'NoOp', device: 'CPU' }]))).toEqual([
      { op: 'NoOp', device: 'CPU', constraints: [], hostMemory: [], label: '', priority: 0 },
    ]);
    expect(parseKernelList(new Uint8Array())).toEqual([]);
  });

  it('rejects bytes that are not a kernel list', () => {
    expect(() => parseKernelList(Uint8Array.of(0x0a, 0x05, 0x0a))).toThrow(RangeError);
    expect(() => parseKernelList(Uint8Array.of(0x08, 0x01))).toThrow('field 1 of a kernel list');
  });
});

describe('KernelRegistry', () => {
  it('finds a kernel for the device that allows the types', () => {
    const kernels = registry(
      { op: 'Mul', device: 'GPU', types: { T: [DT_INT32] }, hostMemory: ['x', 'y', 'z'] },
      { op: 'Mul', device: 'GPU', types: { T: [DT_FLOAT] } },
      { op: 'Mul', device: 'CPU', types: { T: [DT_BFLOAT16] } },
    );
    expect(kernels.find('Mul', { T: DT_FLOAT }, 'GPU')?.hostMemory).toEqual([]);
    expect(kernels.find('Mul', { T: DT_INT32 }, 'GPU')?.hostMemory).toEqual(['x', 'y', 'z']);
    expect(kernels.find('Mul', { T: DT_BFLOAT16 }, 'GPU')).toBeUndefined();
    expect(kernels.find('Mul', { T: DT_BFLOAT16 }, 'CPU')).toBeDefined();
    expect(kernels.find('Sub', { T: DT_FLOAT }, 'GPU')).toBeUndefined();
  });

  it('requires every constraint to be met by an attribute of the node', () => {
    const kernels = registry({ op: 'Sum', device: 'GPU', types: { T: [DT_FLOAT], Tidx: [DT_INT32] } });
    expect(kernels.find('Sum', { T: DT_FLOAT, Tidx: DT_INT32 }, 'GPU')).toBeDefined();
    expect(kernels.find('Sum', { T: DT_FLOAT, Tidx: DT_FLOAT }, 'GPU')).toBeUndefined();
    expect(kernels.find('Sum', { T: DT_FLOAT }, 'GPU')).toBeUndefined();
  });

  it('falls back to a kernel for every device if the device has none of its own', () => {
    const kernels = registry(
      { op: 'VarHandleOp', device: 'DEFAULT' },
      { op: 'Fill', device: 'DEFAULT', hostMemory: ['value'] },
      { op: 'Fill', device: 'GPU', hostMemory: ['dims'] },
      { op: 'Relu', device: 'XLA_GPU_JIT' },
    );
    expect(kernels.find('VarHandleOp', {}, 'GPU')).toBeDefined();
    expect(kernels.find('Fill', {}, 'GPU')?.hostMemory).toEqual(['dims']);
    expect(kernels.find('Fill', {}, 'CPU')?.hostMemory).toEqual(['value']);
    expect(kernels.find('Relu', {}, 'GPU')).toBeUndefined();
  });

  it('prefers a higher priority, and skips kernels with a label', () => {
    const kernels = registry(
      { op: 'Abs', device: 'GPU', priority: 1, hostMemory: ['first'] },
      { op: 'Abs', device: 'GPU', priority: 2, hostMemory: ['second'] },
      { op: 'Abs', device: 'GPU', priority: 3, hostMemory: ['third'], label: 'other' },
    );
    expect(kernels.find('Abs', {}, 'GPU')?.hostMemory).toEqual(['second']);
  });
});
