import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { float16ToFloat32, float32ToFloat16 } from '../../src/base/half-floats.js';
import { selfTest } from '../../src/browser/self-test.js';
import { type BackendSource, loadWebEngine, type WebBackend } from '../../src/browser/web.js';
import { kernels } from '../../src/runtime/kernels.js';
import { portableKernels } from '../../src/runtime/portable-kernels.js';
import { fakeGpu, registerFake } from '../support/fake-gpu.js';

const source = (changes: Partial<BackendSource> = {}): BackendSource => ({
  obstacle: async () => undefined,
  load: async () => undefined,
  detail: async () => 'here',
  ...changes,
});

const absent = (reason: string): BackendSource => source({ obstacle: async () => reason });

/** All kernels of the processor's backend under another name, some of them replaced. */
function registerCopy(name: WebBackend, replaced: Record<string, tf.KernelFunc> = {}): void {
  tf.registerBackend(name, () => new MathBackendCPU(), 0);
  tf.copyRegisteredKernels('cpu', name);
  for (const [kernelName, kernelFunc] of Object.entries(replaced)) {
    tf.unregisterKernel(kernelName, name);
    tf.registerKernel({ kernelName, backendName: name, kernelFunc });
  }
}

const registered: WebBackend[] = [];
afterEach(() => {
  for (const name of registered.splice(0)) {
    if (tf.findBackendFactory(name) !== null) tf.removeBackend(name);
    for (const { kernelName } of tf.getKernelsForBackend(name)) tf.unregisterKernel(kernelName, name);
  }
});

it('loadWebEngine uses the first backend that works, and says why others were skipped', async () => {
  const tried: string[] = [];
  const info = await loadWebEngine({
    sources: { webgpu: absent('no WebGPU'), webgl: absent('no WebGL'), wasm: source() },
    onTry: (backend) => tried.push(backend),
  });
  expect(info).toMatchObject({
    backend: 'wasm',
    detail: 'here',
    skipped: [
      { backend: 'webgpu', reason: 'no WebGPU' },
      { backend: 'webgl', reason: 'no WebGL' },
    ],
  });
  expect(tried).toEqual(['webgpu', 'webgl', 'wasm']);
  expect(tf.getBackend()).toBe('wasm');
  expect(kernels()).toBe(portableKernels);
});

it('loadWebEngine skips a backend that computes wrongly', async () => {
  registered.push('webgl');
  const { kernelFunc } = tf.getKernel('Conv2D', 'cpu');
  registerCopy('webgl', {
    Conv2D: (given) => {
      const result = kernelFunc(given) as tf.TensorInfo;
      const backend = given.backend as MathBackendCPU;
      const values = (backend.readSync(result.dataId) as Float32Array).map((value) =>
        Math.fround(value * 1.001),
      );
      return { ...result, dataId: backend.write(values, result.shape, 'float32') };
    },
  });
  const info = await loadWebEngine({
    backends: ['webgl', 'wasm'],
    sources: { webgpu: source(), webgl: source(), wasm: source() },
  });
  expect(info.backend).toBe('wasm');
  expect(info.skipped[0]!.reason).toMatch(/computes convolutions wrongly/);
});

it.each(['Sum', 'BatchMatMul'])(
  'loadWebEngine skips a backend that keeps 16 bits of the numbers of %s, though its convolutions are right',
  async (name) => {
    registered.push('webgl');
    const { kernelFunc } = tf.getKernel(name, 'cpu');
    registerCopy('webgl', {
      [name]: (given) => {
        const result = kernelFunc(given) as tf.TensorInfo;
        const backend = given.backend as MathBackendCPU;
        const exact = Float32Array.from(backend.readSync(result.dataId) as Float32Array);
        const half = new Uint16Array(exact.length);
        float32ToFloat16(exact, half);
        float16ToFloat32(half, exact);
        return { ...result, dataId: backend.write(exact, result.shape, result.dtype) };
      },
    });
    const info = await loadWebEngine({
      backends: ['webgl', 'wasm'],
      sources: { webgpu: source(), webgl: source(), wasm: source() },
    });
    expect(info.backend).toBe('wasm');
    expect(info.skipped[0]!.reason).toMatch(
      /^it adds large numbers wrongly \(.+ instead of \d+\), as GPUs do that keep 16 bits of a number$/,
    );
  },
);

it('loadWebEngine skips a backend that loses its GPU while it starts', async () => {
  registered.push('webgl');
  registerFake('webgl');
  const { kernelFunc } = tf.getKernel('Square', 'cpu');
  tf.unregisterKernel('Square', 'webgl');
  tf.registerKernel({
    kernelName: 'Square',
    backendName: 'webgl',
    kernelFunc: (given) => {
      fakeGpu().loseGpu();
      return kernelFunc(given);
    },
  });
  const info = await loadWebEngine({
    backends: ['webgl', 'wasm'],
    sources: { webgpu: source(), webgl: source(), wasm: source() },
  });
  expect(info.backend).toBe('wasm');
  expect(info.skipped).toEqual([{ backend: 'webgl', reason: 'the browser took the GPU away' }]);
});

it('loadWebEngine skips a backend that is not ready in time, even if it becomes ready later', async () => {
  registered.push('webgpu', 'webgl');
  let becomeReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });
  tf.registerBackend('webgpu', async () => {
    await ready;
    return new MathBackendCPU();
  });
  registerCopy('webgl');
  const info = await loadWebEngine({
    limitMilliseconds: 400,
    sources: { webgpu: source(), webgl: source(), wasm: source() },
  });
  expect(info).toMatchObject({ backend: 'webgl', skipped: [{ backend: 'webgpu' }] });
  expect(info.skipped[0]!.reason).toMatch(/not ready within 0.4 s/);
  becomeReady();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(tf.getBackend()).toBe('webgl');
  await selfTest();
});

it('loadWebEngine does not return to a backend whose code arrives too late', async () => {
  registered.push('webgl');
  registerCopy('webgl');
  let arrive = (): void => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const late = source({
    load: async () => {
      await arrival;
      registered.push('webgpu');
      registerCopy('webgpu');
    },
  });
  const info = await loadWebEngine({
    limitMilliseconds: 400,
    sources: { webgpu: late, webgl: source(), wasm: source() },
  });
  expect(info.backend).toBe('webgl');
  arrive();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(tf.getBackend()).toBe('webgl');
});

it('loadWebEngine retries a backend without an optional feature', async () => {
  let hasThreads = true;
  const threaded = source({
    load: async () => {
      if (hasThreads) throw new Error('its workers do not start');
    },
    retreat: async () => {
      if (!hasThreads) return undefined;
      hasThreads = false;
      return 'with threads';
    },
  });
  const info = await loadWebEngine({
    backends: ['wasm'],
    sources: { webgpu: source(), webgl: source(), wasm: threaded },
  });
  expect(info.backend).toBe('wasm');
  expect(info.skipped).toEqual([{ backend: 'wasm', reason: 'with threads: its workers do not start' }]);
  await selfTest();
});

it('loadWebEngine names every backend and its reason if none works', async () => {
  const failing = source({
    load: async () => {
      throw new Error('its file is gone');
    },
  });
  const attempt = loadWebEngine({
    sources: { webgpu: absent('no WebGPU'), webgl: failing, wasm: absent('no WebAssembly') },
  });
  await expect(attempt).rejects.toThrow(InputError);
  await expect(attempt).rejects.toThrow(/webgpu: no WebGPU; webgl: its file is gone; wasm: no WebAssembly/);
});

it('loadWebEngine finds no GPU backend outside browsers', async () => {
  await expect(loadWebEngine({ backends: ['webgpu', 'webgl'] })).rejects.toThrow(
    /webgpu: the browser has no WebGPU; webgl: the browser has no WebGL 2/,
  );
});
