import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it, vi } from 'vitest';
import type { BackendSource, WebBackend } from '../../src/browser/web.js';
import { type ClaimedEngine, type ClaimOptions, claimWebEngine } from '../../src/browser/web-engine.js';
import { rejectionMessage } from '../support/rejection.js';

/** The processor's backend under the name of another, registered when its code is loaded. */
const standIn = (name: WebBackend): BackendSource => ({
  obstacle: async () => undefined,
  load: vi.fn(async () => {
    if (tf.findBackendFactory(name) !== null) return;
    tf.registerBackend(name, () => new MathBackendCPU());
    if (tf.getKernelsForBackend(name).length === 0) tf.copyRegisteredKernels('cpu', name);
  }),
  detail: async () => `like ${name}`,
});

const sources = { webgpu: standIn('webgpu'), webgl: standIn('webgl'), wasm: standIn('wasm') };
const claims: ClaimedEngine[] = [];

async function claim(options: ClaimOptions = {}): Promise<ClaimedEngine> {
  const claimed = await claimWebEngine({ sources, ...options });
  claims.push(claimed);
  return claimed;
}

/** As in a page that has just been opened. */
async function forgetBackend(): Promise<void> {
  for (const { release } of claims.splice(0)) release();
  const name = tf.getBackend();
  if (name) tf.removeBackend(name);
}
afterEach(forgetBackend);

it('claimWebEngine adopts any backend that the program has chosen', async () => {
  tf.registerBackend('mine', () => new MathBackendCPU());
  tf.copyRegisteredKernels('cpu', 'mine');
  await tf.setBackend('mine');
  const { engine } = await claim();
  expect(engine).toEqual({ backend: 'mine', detail: '', skipped: [] });
  expect(sources.webgpu.load).not.toHaveBeenCalled();
});

it('claimWebEngine rejects a chosen backend that computes wrongly', async () => {
  tf.registerBackend('broken', () => new MathBackendCPU());
  tf.copyRegisteredKernels('cpu', 'broken');
  tf.unregisterKernel('Conv2D', 'broken');
  await tf.setBackend('broken');
  expect(await rejectionMessage(claim())).toMatch(
    /^Expected the tfjs backend broken, which is in use, to compute but found .*Conv2D.*; choose another one\.$/,
  );
});

it('claimWebEngine starts one backend for concurrent claims', async () => {
  const tried: string[] = [];
  const onTry = (backend: string) => tried.push(backend);
  const [first, second, third] = await Promise.all([
    claim({ onTry }),
    claim({ onTry }),
    claim({ backend: 'webgpu' }),
  ]);
  expect(first.engine).toMatchObject({ backend: 'webgpu', detail: 'like webgpu', skipped: [] });
  expect(second.engine).toBe(first.engine);
  expect(third.engine).toBe(first.engine);
  expect(tried).toEqual(['webgpu']);
});

it('claimWebEngine replaces the backend once nobody uses it', async () => {
  const first = await claim({ backend: 'webgl' });
  const second = await claim();
  first.release();
  first.release();
  expect(await rejectionMessage(claim({ backend: 'wasm' }))).toBe(
    'Expected the backend wasm, or none but found models that use webgl; dispose them first, or omit backend.',
  );
  // A rejection is nobody's claim.
  expect((await claim()).engine).toBe(second.engine);
  for (const { release } of claims.splice(0)) release();
  expect((await claim({ backend: 'wasm' })).engine.backend).toBe('wasm');
});

it('claimWebEngine works again after a failure', async () => {
  const absent = { ...sources.webgl, obstacle: async () => 'not here' };
  expect(await rejectionMessage(claim({ backend: 'webgl', sources: { ...sources, webgl: absent } }))).toMatch(
    /webgl: not here; use a current browser\.$/,
  );
  expect((await claim({ backend: 'webgl' })).engine.backend).toBe('webgl');
  expect(await rejectionMessage(claim({ backend: 'cuda' as never }))).toMatch(
    /^Expected backend to be one of webgpu, webgl, wasm/,
  );
});
