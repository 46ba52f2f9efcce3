import { beforeAll, expect, test, vi } from 'vitest';
import { checkDevice } from '../../src/runtime/device-check.js';
import type { Kernels } from '../../src/runtime/kernels.js';
import { loadEngine } from '../../src/runtime/node.js';

const faults = vi.hoisted(() => ({ of: undefined as ((native: Kernels) => Partial<Kernels>) | undefined }));

// Both the kernels that compute at once and those that record are made by this function.
vi.mock('../../src/runtime/native-kernels.js', async (load) => {
  const module = await load<typeof import('../../src/runtime/native-kernels.js')>();
  const nativeKernels: typeof module.nativeKernels = (executor) => {
    const native = module.nativeKernels(executor);
    return new Proxy(native, {
      get: (target, name: keyof Kernels) => faults.of?.(native)[name] ?? target[name],
    });
  };
  return { ...module, nativeKernels };
});

beforeAll(() => loadEngine());

const NAMES = [
  'a matrix product',
  'a convolution',
  "a convolution's input gradient",
  "a convolution's filter gradient",
  'a sum',
];

test('checkDevice checks every operation kernel by kernel and captured, and measures speed', () => {
  const [check] = checkDevice(['float32']);
  expect(check!.parts.map(({ name }) => name)).toEqual(NAMES.flatMap((name) => [name, `${name}, captured`]));
  for (const { name, ok, error } of check!.parts) {
    expect(ok, name).toBe(true);
    // Two orders of summation never agree on every digit.
    expect(error, name).toBeGreaterThan(0);
  }
  expect(check!.ok).toBe(true);
  expect(check!.productFlops).toBeGreaterThan(0);
  expect(check!.convolutionFlops).toBeGreaterThan(0);
});

test('checkDevice checks convolutions in bfloat16 with the tolerance of 8 bits', () => {
  const [check] = checkDevice(['bfloat16']);
  expect(check!.ok).toBe(true);
  const errors = new Map(check!.parts.map(({ name, error }) => [name, error]));
  expect(errors.get('a convolution, captured')).toBeGreaterThan(1e-4);
  expect(errors.get('a matrix product, captured')).toBeLessThan(1e-5);
  expect(check!.productFlops).toBeNull();
});

test('checkDevice names a kernel that computes a wrong result or throws', () => {
  faults.of = (native) => ({
    conv2dFilterGradient: (x, shape, dy, geometry) =>
      native.affine(native.conv2dFilterGradient(x, shape, dy, geometry), 1.001, 0),
    sum: () => {
      throw new Error('no such kernel\nand more');
    },
  });
  const [check] = checkDevice(['float32']);
  expect(check!.ok).toBe(false);
  const failed = check!.parts.filter(({ ok }) => !ok);
  expect(failed.map(({ name }) => name)).toEqual([
    "a convolution's filter gradient",
    "a convolution's filter gradient, captured",
    'a sum',
    'a sum, captured',
  ]);
  expect(failed[0]!.error).toBeCloseTo(1e-3, 4);
  expect(failed[2]).toMatchObject({ error: null, problem: 'no such kernel' });
  // The sum is how the runs are read.
  expect(check!.productFlops).toBeNull();
});
