import { expect, test } from 'vitest';
import { requirementLine } from '../../src/setup/download.js';
import { spaceNeeded, wheelsFor } from '../../src/setup/wheels.js';

test('every wheel is pinned by version and hash, once', () => {
  const all = [wheelsFor('cpu', 'x64')!, wheelsFor('cpu', 'arm64')!, wheelsFor('gpu', 'x64')!].flat();
  for (const wheel of all) {
    expect(requirementLine(wheel)).toMatch(/^[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}\n$/);
  }
  expect(new Set(all.map((wheel) => wheel.sha256)).size).toBe(all.length);
});

test("the GPU build has all libraries of the wheel's and-cuda extra", () => {
  const names = wheelsFor('gpu', 'x64')!.map((wheel) => wheel.name);
  const parts =
    'cublas cuda-cupti cuda-nvcc cuda-nvrtc cuda-runtime cudnn cufft curand cusolver cusparse nccl nvjitlink';
  expect(names).toEqual(['tensorflow', ...parts.split(' ').map((part) => `nvidia-${part}-cu12`)]);
  expect(wheelsFor('gpu', 'arm64')).toBeUndefined();
});

test('spaceNeeded covers all files to keep and the largest wheel', () => {
  const wheels = wheelsFor('gpu', 'x64')!;
  expect(spaceNeeded(wheels)).toBeGreaterThan(5.4e9 + 0.7e9);
  expect(spaceNeeded(wheels)).toBeLessThan(7e9);
});
