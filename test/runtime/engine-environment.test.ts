import { expect, test } from 'vitest';
import {
  type EnvironmentOptions,
  engineEnvironment,
  processorShares,
} from '../../src/runtime/engine-environment.js';

const GIB = 2 ** 30;
const GPUS = [
  { index: 0, name: 'NVIDIA A100', memoryBytes: 40 * GIB, memoryUsedBytes: 30 * GIB },
  { index: 1, name: 'NVIDIA A100', memoryBytes: 40 * GIB, memoryUsedBytes: GIB },
];

function environment(options: Partial<EnvironmentOptions>, env: NodeJS.ProcessEnv = {}) {
  return engineEnvironment(
    {
      build: 'gpu',
      work: 'training',
      arithmetic: 'float32',
      deterministic: true,
      gpus: GPUS,
      processors: 8,
      isLimited: false,
      hasDriver: true,
      ...options,
    },
    env,
  );
}

test('processorShares lets operations run side by side, each on half of the processors', () => {
  const shares = [1, 2, 3, 4, 5, 16].map(processorShares);
  expect(shares.map(({ perOperation, operations }) => `${operations} x ${perOperation}`)).toEqual([
    '1 x 1',
    '2 x 1',
    '3 x 1',
    '2 x 2',
    '3 x 2',
    '2 x 8',
  ]);
});

test('a quota of processors bounds the threads of translation, and of training on a GPU', () => {
  const whole = { TF_NUM_INTRAOP_THREADS: '8', TF_NUM_INTEROP_THREADS: '1' };
  const cpu = { build: 'cpu', gpus: [], hasDriver: false, isLimited: true } as const;
  expect(environment({ ...cpu, work: 'translation' })).toEqual(whole);
  expect(environment({ ...cpu, work: 'translation' }, { TF_NUM_INTRAOP_THREADS: '3' })).toEqual({});
  expect(environment(cpu)).toEqual({ TF_NUM_INTRAOP_THREADS: '4', TF_NUM_INTEROP_THREADS: '2' });
  expect(environment({ isLimited: true })).toMatchObject(whole);
});

test('the CPU build sets thread counts for training and no other variables', () => {
  const shares = { TF_NUM_INTRAOP_THREADS: '4', TF_NUM_INTEROP_THREADS: '2' };
  expect(environment({ build: 'cpu', gpus: [], hasDriver: false })).toEqual(shares);
  expect(environment({ build: 'cpu', gpus: [], hasDriver: false, work: 'translation' })).toEqual({});
  expect(environment({ build: 'cpu', gpus: [], hasDriver: false, arithmetic: 'bfloat16' })).toEqual({
    ...shares,
    ONEDNN_DEFAULT_FPMATH_MODE: 'BF16',
  });
  expect(environment({ build: 'cpu', gpus: [], hasDriver: false }, { TF_NUM_INTEROP_THREADS: '3' })).toEqual(
    {},
  );
});

test('the CPU build rejects a choice of GPU', () => {
  expect(() => environment({ build: 'cpu', gpus: [], hasDriver: false, gpu: 0 })).toThrow(
    /^Expected the GPU build of TensorFlow for --gpu 0 but found the CPU build; run npx gnr setup --device gpu/,
  );
});

test('on a GPU memory grows as needed, algorithms are deterministic, and one card is visible', () => {
  expect(environment({})).toEqual({
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: '1',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    TF_DETERMINISTIC_OPS: '1',
  });
  expect(environment({ deterministic: false })).not.toHaveProperty('TF_DETERMINISTIC_OPS');
});

test('the CUDA build without a GPU sets thread counts too', () => {
  expect(environment({ gpus: [], hasDriver: false })).toMatchObject({
    TF_NUM_INTRAOP_THREADS: '4',
    TF_NUM_INTEROP_THREADS: '2',
    CUDA_VISIBLE_DEVICES: '0',
  });
});

test('variables that the user has set stay', () => {
  const env = { TF_FORCE_GPU_ALLOW_GROWTH: 'false', TF_DETERMINISTIC_OPS: '0' };
  const set = environment({}, env);
  for (const name of Object.keys(env)) expect(set).not.toHaveProperty(name);
});
