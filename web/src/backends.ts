import type { WebBackend } from '../../src/browser/web.js';

/** The backends, fastest first, and what people call them. */
export const BACKEND_NAMES: Readonly<Record<WebBackend, string>> = {
  webgpu: 'WebGPU',
  webgl: 'WebGL',
  wasm: 'WebAssembly',
};

export const BACKENDS = Object.keys(BACKEND_NAMES) as WebBackend[];
