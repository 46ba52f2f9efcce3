import { afterEach, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { preferGpu, preferredGpu, visibleGpu } from '../../src/runtime/gpu-choice.js';
import { gnr } from '../support/gnr.js';

const GIB = 2 ** 30;
const GPUS = [
  { index: 0, name: 'NVIDIA A100', memoryBytes: 40 * GIB, memoryUsedBytes: 30 * GIB },
  { index: 1, name: 'NVIDIA A100', memoryBytes: 40 * GIB, memoryUsedBytes: GIB },
];

afterEach(() => preferGpu(undefined));

test.each([
  ['the one with most free memory by default', undefined, undefined, '1'],
  ['the one that is asked for', 0, undefined, '0'],
  ["the first of the user's own list", undefined, '3,1', '3'],
  ["one of the user's own list", 1, 'GPU-aa, GPU-bb', 'GPU-bb'],
  ["none where the user's list is empty", undefined, '', ''],
])('the GPU is %s', (_, gpu, visible, expected) => {
  expect(visibleGpu(GPUS, gpu, visible)).toBe(expected);
});

test('visibleGpu accepts any index if the driver lists no GPU', () => {
  expect(visibleGpu([], 2, undefined)).toBe('2');
  expect(visibleGpu([], undefined, undefined)).toBe('0');
});

test.each([2, -1, 0.5])('visibleGpu rejects the index %d', (gpu) => {
  expect(() => visibleGpu(GPUS, gpu, undefined)).toThrow(InputError);
  expect(() => visibleGpu(GPUS, gpu, undefined)).toThrow(
    /^Expected --gpu to be one of the 2 GPUs.*found .*0: NVIDIA A100, 1: NVIDIA A100; .*nvidia-smi/,
  );
});

test('gnr --gpu sets the GPU for every engine that the command loads', async () => {
  await gnr('weights', 'list', '--gpu', '1');
  expect(preferredGpu()).toBe(1);
  await gnr('weights', 'list');
  expect(preferredGpu()).toBeUndefined();
});
