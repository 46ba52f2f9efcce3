import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test, vi } from 'vitest';
import { type EngineInfo, loadEngine } from '../../src/runtime/node.js';

const ENGINE = '@tensorflow/tfjs-node-gpu';
let engine: EngineInfo;

beforeAll(async () => {
  engine = await loadEngine();
});

test('loadEngine describes the engine', () => {
  expect(engine.backend).toBe('tensorflow');
  expect(engine.tensorflowVersion).toMatch(/^2\.\d+\.\d+/);
  expect(engine.tfjsVersion).toBe(tf.version_core);
  expect(engine.threads).toBeGreaterThan(0);
});

test('loadEngine sets the backend of tfjs-core, which has gradients', () => {
  expect(tf.getBackend()).toBe('tensorflow');
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.matMul(x, tf.tensor2d([[3], [4]]))));
  expect([...gradient(tf.tensor2d([[1, 2]])).dataSync()]).toEqual([3, 4]);
});

test('loadEngine loads the engine once', async () => {
  expect(await loadEngine()).toBe(engine);
});

test('loadQuietly keeps the banner off standard error, and restores it afterwards', () => {
  const script = `
    const [addons, engine] = process.argv.slice(1);
    const loader = { exports: {} };
    process.dlopen(loader, addons + '/gnr_preload.node');
    const { libraries } = require(addons + '/gnr-setup.json');
    if (loader.exports.loadQuietly(libraries + '/libtensorflow_cc.so.2') !== null) process.exit(1);
    require(engine);
    process.stderr.write('after');`;
  const engineFolder = path.dirname(createRequire(import.meta.url).resolve(`${ENGINE}/package.json`));
  const args = ['-e', script, path.join(engineFolder, 'lib', 'napi-v8'), engineFolder];
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  expect(stderr).not.toContain('oneDNN');
  expect(stderr).toMatch(/after$/);
});

test('loadEngine names the remedy if the addon does not load', async () => {
  vi.resetModules();
  vi.doMock('@tensorflow/tfjs-node-gpu', () => {
    throw new Error('libtensorflow_cc.so.2: cannot open shared object file');
  });
  const fresh = await import('../../src/runtime/node.js');
  await expect(fresh.loadEngine()).rejects.toThrow(/run npx gnr setup/);
  vi.doUnmock('@tensorflow/tfjs-node-gpu');
});

test('loadEngine reports why the GPU build computes on the processor', async () => {
  vi.resetModules();
  vi.doMock('../../src/setup/installed.js', async (original) => ({
    ...(await original<object>()),
    readStamp: async () => ({
      device: 'gpu',
      libraries: '/no/such/tensorflow',
      files: {},
      hashes: {},
      times: {},
    }),
  }));
  const notices: string[] = [];
  const { onNotice } = await import('../../src/base/notices.js');
  onNotice((text) => void notices.push(text));
  const fresh = await import('../../src/runtime/node.js');
  const { device, fallback } = await fresh.loadEngine();
  vi.doUnmock('../../src/setup/installed.js');
  if (device === 'gpu') return; // A machine with a GPU that works.
  expect(fallback).toContain('/no/such/nvidia/cuda_runtime/lib/libcudart.so.12: cannot open');
  expect(notices).toEqual([`warning: the GPU build of TensorFlow computes on the processor: ${fallback}.`]);
});

test('loadEngine loads no file that is not the one that set-up installed', async () => {
  vi.resetModules();
  vi.doMock('../../src/setup/installed.js', async (original) => ({
    ...(await original<object>()),
    readStamp: async () => ({ device: 'cpu', files: { 'tfjs_binding.node': 1 }, hashes: {}, times: {} }),
  }));
  const fresh = await import('../../src/runtime/node.js');
  await expect(fresh.loadEngine()).rejects.toThrow(/tfjs_binding\.node of another size; run npx gnr setup/);
  vi.doUnmock('../../src/setup/installed.js');
});
