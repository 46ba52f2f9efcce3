// The names of the backends on the page.
import type { WebBackend } from '../../src/browser/web.js';

/** The backends, fastest first, with their names for people. */
export const BACKEND_NAMES: Readonly<Record<WebBackend, string>> = {
  webgpu: 'WebGPU',
  webgl: 'WebGL',
  wasm: 'WebAssembly',
};

export const BACKENDS = Object.keys(BACKEND_NAMES) as WebBackend[];

/** Returns the name of a backend for people. */
export function backendName(backend: string): string {
  return BACKEND_NAMES[backend as WebBackend] ?? backend;
}
