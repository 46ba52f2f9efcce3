// Backends of tfjs that compute on the CPU, and whose GPU can be taken away.
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { BackendSource, WebBackend } from '../../src/browser/web.js';

const NO_ERROR = 0;
const OUT_OF_MEMORY = 1285;

/** The context of WebGL, as far as its loss goes. */
export class FakeContext {
  readonly canvas = new EventTarget();
  readonly NO_ERROR = NO_ERROR;
  readonly OUT_OF_MEMORY = OUT_OF_MEMORY;
  isLost = false;
  readonly errors: number[] = [];

  isContextLost(): boolean {
    return this.isLost;
  }

  getError(): number {
    return this.errors.shift() ?? NO_ERROR;
  }

  /** Loses the context, which pages learn a moment later. */
  lose(): void {
    this.isLost = true;
    setTimeout(() => this.canvas.dispatchEvent(new Event('webglcontextlost')));
  }
}

/** The device of WebGPU, as far as its loss goes. */
export class FakeDevice extends EventTarget {
  lose: (message: string) => void = () => undefined;
  readonly lost = new Promise<{ message: string }>((resolve) => {
    this.lose = (message) => resolve({ message });
  });
}

/** tfjs's CPU backend with a GPU to lose. */
export class FakeGpuBackend extends MathBackendCPU {
  readonly gpgpu?: { gl: FakeContext; itemsToPoll: unknown[] };
  readonly device?: FakeDevice;
  private isGone = false;

  override readSync(dataId: object): tf.BackendValues {
    const values = super.readSync(dataId);
    return this.isGone ? new Float32Array(values.length) : values;
  }

  constructor(kind: 'webgl' | 'webgpu') {
    super();
    if (kind === 'webgl') this.gpgpu = { gl: new FakeContext(), itemsToPoll: [] };
    else this.device = new FakeDevice();
  }

  /** As real ones do, it reads zeros afterwards. */
  loseGpu(): void {
    this.isGone = true;
    this.gpgpu?.gl.lose();
    this.device?.lose('A test took it.');
  }
}

/** The fake backend in use. */
export function fakeGpu(): FakeGpuBackend {
  return tf.backend() as FakeGpuBackend;
}

/** Registers a fake backend. */
export function registerFake(name: WebBackend): void {
  if (tf.findBackendFactory(name) === null)
    tf.registerBackend(name, () => (name === 'wasm' ? new MathBackendCPU() : new FakeGpuBackend(name)));
  if (tf.getKernelsForBackend(name).length === 0) tf.copyRegisteredKernels('cpu', name);
}

/** A browser with all backends, whose GPUs can be taken away. */
export function fakeSources(
  changes: Partial<Record<WebBackend, BackendSource>> = {},
): Record<WebBackend, BackendSource> {
  const source = (name: WebBackend): BackendSource => ({
    obstacle: async () => undefined,
    load: async () => registerFake(name),
    detail: async () => `like ${name}`,
  });
  return { webgpu: source('webgpu'), webgl: source('webgl'), wasm: source('wasm'), ...changes };
}

/** Removes the backend in use, as in a page that has just been opened. */
export function forgetBackend(): void {
  const name = tf.getBackend();
  if (name) tf.removeBackend(name);
}
