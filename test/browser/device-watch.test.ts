import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { DeviceLostError, DeviceWatch } from '../../src/browser/device-watch.js';
import { type FakeGpuBackend, fakeGpu, forgetBackend, registerFake } from '../support/fake-gpu.js';

async function use(name: 'webgl' | 'webgpu' | 'wasm'): Promise<FakeGpuBackend> {
  registerFake(name);
  await tf.setBackend(name);
  return fakeGpu();
}

/** An error of WebGL that tfjs causes when it tries what there is. */
const INVALID_ENUM = 1280;

const never = (): Promise<never> => new Promise(() => undefined);

afterEach(forgetBackend);

it('a backend without a GPU has nothing to lose', async () => {
  await use('wasm');
  const watch = new DeviceWatch();
  expect(watch.canBeLost).toBe(false);
  expect(await watch.guard(async () => 7)).toBe(7);
});

it.each(['webgl', 'webgpu'] as const)(
  'on %s, work gets its result and its errors while the GPU is there',
  async (name) => {
    await use(name);
    const watch = new DeviceWatch();
    expect(watch.canBeLost).toBe(true);
    expect(await watch.guard(async () => 7)).toBe(7);
    const failing = async (): Promise<never> => {
      throw new InputError({ expected: 'a', found: 'b', remedy: 'c' });
    };
    await expect(watch.guard(failing)).rejects.toThrow(InputError);
  },
);

describe('WebGL', () => {
  let backend: FakeGpuBackend;
  let watch: DeviceWatch;
  beforeEach(async () => {
    backend = await use('webgl');
    watch = new DeviceWatch();
  });

  it('work that would wait forever for a lost context is rejected, and no longer asked after', async () => {
    backend.gpgpu!.itemsToPoll = ['a fence that never passes'];
    const work = watch.guard(never);
    backend.loseGpu();
    await expect(work).rejects.toThrow(DeviceLostError);
    expect(backend.gpgpu!.itemsToPoll).toEqual([]);
  });

  it('what was read from a lost context is not used, even before the browser reports the loss', async () => {
    const work = watch.guard(async () => {
      backend.gpgpu!.gl.isLost = true;
      return new Float32Array(4);
    });
    await expect(work).rejects.toThrow(/^the browser took the GPU away$/);
  });

  it('a context that the browser gives back stays lost, because it is empty', async () => {
    backend.gpgpu!.gl.canvas.dispatchEvent(new Event('webglcontextlost'));
    await expect(watch.guard(async () => 7)).rejects.toThrow(DeviceLostError);
  });

  it('what a GPU without memory computes is not used', async () => {
    const work = watch.guard(async () => {
      const { gl } = backend.gpgpu!;
      gl.errors.push(INVALID_ENUM, gl.OUT_OF_MEMORY);
      return new Float32Array(4);
    });
    await expect(work).rejects.toThrow(/^the GPU has too little memory$/);
  });

  it('a closed watch reports nothing', async () => {
    const losses: string[] = [];
    watch.onLoss((reason) => losses.push(reason));
    watch.close();
    backend.gpgpu!.gl.canvas.dispatchEvent(new Event('webglcontextlost'));
    expect(losses).toEqual([]);
  });
});

describe('WebGPU', () => {
  let backend: FakeGpuBackend;
  let watch: DeviceWatch;
  beforeEach(async () => {
    backend = await use('webgpu');
    watch = new DeviceWatch();
  });

  it('work that fails shortly before the browser reports the loss counts as lost', async () => {
    const work = watch.guard(async () => {
      setTimeout(() => backend.loseGpu(), 20);
      throw new Error('Buffer was unmapped before mapping was resolved.');
    });
    await expect(work).rejects.toThrow(/^the browser took the GPU away \(A test took it\.\)$/);
    await expect(watch.guard(async () => 7)).rejects.toThrow(DeviceLostError);
  });

  it('an error of the work is its own while the device is there', async () => {
    const work = watch.guard(async () => {
      throw new Error('no such kernel');
    });
    await expect(work).rejects.toThrow(/^no such kernel$/);
  });

  it('what a GPU without memory computes is not used', async () => {
    const error = { [Symbol.toStringTag]: 'GPUOutOfMemoryError' };
    const work = watch.guard(async () => {
      backend.device!.dispatchEvent(Object.assign(new Event('uncapturederror'), { error }));
      return new Float32Array(4);
    });
    await expect(work).rejects.toThrow(/^the GPU has too little memory$/);
  });
});
