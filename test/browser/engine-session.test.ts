import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { WebEngine } from '../../src/browser/engine-session.js';
import type { BackendSource } from '../../src/browser/web.js';
import { type ClaimedEngine, type ClaimOptions, claimWebEngine } from '../../src/browser/web-engine.js';
import { loadModel } from '../../src/browser/web-library.js';
import { downsample } from '../../src/ops/resample.js';
import { fakeGpu, fakeSources, forgetBackend } from '../support/fake-gpu.js';
import { rejectionMessage } from '../support/rejection.js';
import { writeTinyModel } from '../support/tiny-model.js';

const claims: ClaimedEngine[] = [];

async function claim(options: ClaimOptions = {}): Promise<ClaimedEngine> {
  const claimed = await claimWebEngine({ sources: fakeSources(), ...options });
  claims.push(claimed);
  return claimed;
}

afterEach(() => {
  for (const { release } of claims.splice(0)) release();
  forgetBackend();
});

it('work whose GPU is lost is repeated on the next backend, until none is left', async () => {
  const { session, engine } = await claim();
  expect(engine.backend).toBe('webgpu');
  const ran: string[] = [];
  const work = async (): Promise<string> => {
    const backend = tf.getBackend();
    ran.push(backend);
    if (backend !== 'wasm') fakeGpu().loseGpu();
    return `from ${backend}`;
  };
  expect(await session.compute(work)).toBe('from wasm');
  expect(ran).toEqual(['webgpu', 'webgl', 'wasm']);
  expect(engine).toEqual({
    backend: 'wasm',
    detail: 'like wasm',
    skipped: [
      { backend: 'webgpu', reason: 'the browser took the GPU away (A test took it.)' },
      { backend: 'webgl', reason: 'the browser took the GPU away' },
    ],
  });
});

it('the next backend starts as soon as the GPU is lost, once for all work, and says so', async () => {
  const { session } = await claim({ backend: 'webgl' });
  const heard: string[] = [];
  session.onChange(({ backend }) => heard.push(backend));
  const never = new Promise<string>(() => undefined);
  const works = [1, 2].map(() =>
    session.compute(async () => (tf.getBackend() === 'webgl' ? never : tf.getBackend())),
  );
  fakeGpu().loseGpu();
  expect(await Promise.all(works)).toEqual(['wasm', 'wasm']);
  expect(heard).toEqual(['wasm']);
});

it('a page is told to reload where nothing else computes, and a later start tries everything again', async () => {
  const absent: BackendSource = {
    obstacle: async () => 'the browser has no WebAssembly',
    load: async () => undefined,
    detail: async () => '',
  };
  const sources = fakeSources({ wasm: absent });
  const first = await claim({ backend: 'webgl', sources });
  const heard: string[] = [];
  first.session.onChange((_, error) => heard.push(error!.message));
  const work = first.session.compute(async () => fakeGpu().loseGpu());
  const message =
    'Expected webgl to go on but found that the browser took the GPU away, and nothing else computes here (wasm: the browser has no WebAssembly); reload the page.';
  expect(await rejectionMessage(work)).toBe(message);
  expect(await rejectionMessage(first.session.compute(async () => 7))).toBe(message);
  expect(heard).toEqual([message]);
  first.release();
  const second = await claim({ backend: 'webgl', sources });
  expect(await second.session.compute(async () => tf.getBackend())).toBe('webgl');
});

it('a backend that was lost is tried again once nobody uses the one in its place', async () => {
  const first = await claim({ backend: 'webgl' });
  const blurred = (): number[] => tf.tidy(() => [...downsample(tf.ones([1, 4, 4, 1])).dataSync<'float32'>()]);
  const expected = blurred();
  await first.session.compute(async () => {
    if (tf.getBackend() === 'webgl') fakeGpu().loseGpu();
  });
  const second = await claim({ backend: 'webgl' });
  expect(second.engine).toBe(first.engine);
  expect(second.engine.backend).toBe('wasm');
  first.release();
  second.release();
  expect((await claim({ backend: 'webgl' })).engine.backend).toBe('webgl');
  // Filters that networks share are made anew, too.
  expect(blurred()).toEqual(expected);
});

it('a model of the library goes on where the GPU is lost, with the same numbers, and leaves no weights', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gnr-session-'));
  try {
    const { size, latentDim } = await writeTinyModel(dir);
    const files = new Map(
      await Promise.all(
        ['config.json', 'model.safetensors'].map(
          async (name) => [name, new Blob([await readFile(join(dir, name))])] as const,
        ),
      ),
    );
    const rng = new Rng(4, 'numbers');
    const image = rng.normals(size * size * 3).map(Math.tanh);
    const style = rng.normals(latentDim);
    await claim();
    const { numTensors } = tf.memory();
    const changes: WebEngine[] = [];
    const model = await loadModel(files, { onBackendChange: (engine) => changes.push({ ...engine }) });
    const { translator } = model;
    const expected = await translator.encode('A2B', image);
    const picture = await translator.decode(expected, style);
    const code = await translator.styleOf('A2B', image);
    expect(model.engine.backend).toBe('webgpu');

    const content = translator.encode('A2B', image);
    fakeGpu().loseGpu();
    expect(await content).toEqual(expected);
    expect(model.engine.backend).toBe('webgl');
    const results = Promise.all([translator.decode(expected, style), translator.styleOf('A2B', image)]);
    fakeGpu().loseGpu();
    expect(await results).toEqual([picture, code]);
    expect(changes.map(({ backend }) => backend)).toEqual(['webgl', 'wasm']);
    await expect(translator.encode('A2B', image.subarray(1))).rejects.toThrow(RangeError);

    model.dispose();
    await expect(translator.encode('A2B', image)).rejects.toThrow(/disposed/);
    // The few filters that all models share stay on each backend.
    expect(tf.memory().numTensors - numTensors).toBeLessThan(10);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
