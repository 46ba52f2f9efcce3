import { expect, test } from 'vitest';
import { changedFacts, computeFacts, describeFacts } from '../../src/runtime/compute-facts.js';
import type { EngineInfo } from '../../src/runtime/node.js';

const CPU: EngineInfo = {
  backend: 'tensorflow',
  device: 'cpu',
  tensorflowVersion: '2.21.0',
  tfjsVersion: '4.22.0',
  threads: 2,
  arithmetic: 'float32',
  deterministic: true,
};
const GPU: EngineInfo = {
  ...CPU,
  device: 'gpu',
  arithmetic: 'tf32',
  gpu: { name: 'NVIDIA H100', computeCapability: 9, driver: '570.86', cudnn: '9.10.2' },
};

test('the facts of a processor are versions, threads and arithmetic', () => {
  const facts = { tensorflow: '2.21.0', device: 'cpu', threads: '2', arithmetic: 'float32' };
  expect(computeFacts(CPU)).toEqual(facts);
  expect(describeFacts(facts)).toBe('CPU, 2 threads, float32');
});

test('the facts of a GPU include the card, driver, cuDNN and determinism', () => {
  expect(computeFacts(GPU)).toMatchObject({
    gpu: 'NVIDIA H100 (compute capability 9.0)',
    driver: '570.86',
    cudnn: '9.10.2',
    deterministic: 'yes',
  });
  expect(describeFacts(computeFacts(GPU))).toBe('NVIDIA H100 (compute capability 9.0), tf32');
});

test('changedFacts lists only facts that differ, with both values', () => {
  const before = computeFacts(GPU);
  expect(changedFacts(before, before)).toEqual([]);
  const now = computeFacts({ ...GPU, deterministic: false, gpu: { ...GPU.gpu!, driver: '575.10' } });
  expect(changedFacts(now, before)).toEqual(['driver 575.10 (was 570.86)', 'deterministic no (was yes)']);
  expect(changedFacts(computeFacts(CPU), before)).toContain('cudnn none (was 9.10.2)');
});
