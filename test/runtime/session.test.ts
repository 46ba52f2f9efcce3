import { beforeAll, expect, test } from 'vitest';
import { readFields } from '../../src/base/protobuf.js';
import { capture } from '../../src/runtime/capture/capture.js';
import { kernels } from '../../src/runtime/kernels.js';
import { memoryUse, peakMemory } from '../../src/runtime/memory.js';
import { loadEngine } from '../../src/runtime/node.js';
import {
  countHostMemory,
  cudnnVersion,
  devices,
  gpuMemory,
  inTrueFloat32,
  registeredKernels,
  setTensorFloat32,
  tensorFloat32,
} from '../../src/runtime/session.js';
import { sessionConfig } from '../../src/setup/session-config.js';

const MIB = 2 ** 20;
let device: 'cpu' | 'gpu';

beforeAll(async () => {
  ({ device } = await loadEngine());
  countHostMemory();
});

test('sessionConfig allocates GPU memory as needed, and turns the layout and memory optimizers off', () => {
  // The bytes that the library was seen to take: allow_growth, layout_optimizer OFF, memory_optimization NO_MEM_OPT.
  const bytes = [0x32, 2, 0x20, 1, 0x52, 6, 0x52, 4, 0x08, 2, 0x20, 1];
  expect([...sessionConfig()]).toEqual(bytes);
});

test('sessionConfig can limit GPU memory', () => {
  const gpuOptions = readFields(sessionConfig(0.25)).find(({ field }) => field === 6)!.value as Uint8Array;
  expect(readFields(gpuOptions)).toEqual([
    { field: 1, value: 0.25 },
    { field: 4, value: 1 },
  ]);
});

test('devices lists the processor, and the GPU if one computes', () => {
  const [cpu] = devices();
  expect(cpu).toMatchObject({ type: 'CPU', name: expect.stringMatching(/device:CPU:0$/) });
  expect(gpuMemory() !== undefined).toBe(device === 'gpu');
  // The CUDA build loads it without a GPU too.
  const version = cudnnVersion();
  if (device === 'gpu' || version !== undefined) expect(version).toMatch(/^9\.\d+\.\d+$/);
});

test('memoryUse and peakMemory report the process, and the GPU only if one computes', () => {
  const { rssBytes } = memoryUse();
  expect(rssBytes / process.memoryUsage.rss()).toBeCloseTo(1, 1);
  // The kernel counts pages with some delay.
  expect(peakMemory().peakRssBytes).toBeGreaterThan(0.9 * rssBytes);
  expect('gpuBytes' in memoryUse()).toBe(device === 'gpu');
  expect('peakGpuBytes' in peakMemory()).toBe(device === 'gpu');
});

test('registeredKernels lists the kernels of the library by operation and device', () => {
  const kernelsByDevice = readFields(registeredKernels()).map(({ value }) => {
    const fields = readFields(value as Uint8Array);
    const text = (number: number) =>
      new TextDecoder().decode(fields.find(({ field }) => field === number)!.value as Uint8Array);
    return `${text(1)} on ${text(2)}`;
  });
  expect(kernelsByDevice.length).toBeGreaterThan(1000);
  expect(kernelsByDevice).toContain('Conv2D on CPU');
});

test('inTrueFloat32 lasts as long as the work, and restores the setting even after an error', async () => {
  setTensorFloat32(true);
  expect(await inTrueFloat32(async () => tensorFloat32())).toBe(false);
  expect(tensorFloat32()).toBe(true);
  await expect(inTrueFloat32(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(tensorFloat32()).toBe(true);
  setTensorFloat32(false);
  expect(await inTrueFloat32(async () => tensorFloat32())).toBe(false);
  expect(tensorFloat32()).toBe(false);
});

test('a session frees the memory of its variables', () => {
  const elements = 4 * MIB;
  const inUse = () => devices()[0]!.bytesInUse!;
  const programs = capture(
    { double: { inputs: {}, run: ({ x }) => ({ outputs: { sum: kernels().sum(x!, [0], false) } }) } },
    { x: { shape: [elements], dtype: 'float32' } },
  );
  const before = inUse();
  programs.write({ x: new Float32Array(elements).fill(1) });
  expect(programs.run('double', {}).sum![0]).toBe(elements);
  expect(inUse() - before).toBeGreaterThanOrEqual(4 * elements);
  // Writing again takes the place of what was there.
  for (let i = 0; i < 3; i++) programs.write({ x: new Float32Array(elements).fill(2) });
  expect(inUse() - before).toBeLessThan(1.5 * 4 * elements);
  programs.dispose();
  expect(inUse() - before).toBeLessThan(0.1 * 4 * elements);
});
