import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { freeUnusedMemory } from '../../src/base/malloc-trim.js';
import { loadEngine } from '../../src/runtime/node.js';

it('freeUnusedMemory frees only arrays that nothing refers to', async () => {
  const kept = new Float32Array(1000).fill(1);
  const references = [kept.buffer, new Float32Array(1000).buffer].map((buffer) => new WeakRef(buffer));
  await setImmediate(); // a weak reference holds what it refers to until the job ends
  freeUnusedMemory();
  expect(references.map((reference) => reference.deref()?.byteLength)).toEqual([4000, undefined]);
  expect(kept[999]).toBe(1);
});

it('freeUnusedMemory gives memory that the C library holds without use back to the system', async () => {
  await loadEngine();
  // Blocks small enough for the C library to keep, and one in a while that stays and pins them.
  const blocks = Array.from({ length: 2000 }, () => tf.fill([64, 128], 1));
  const held = process.memoryUsage.rss();
  tf.dispose(blocks.filter((_, i) => i % 50 !== 0));
  const disposed = process.memoryUsage.rss();
  freeUnusedMemory();
  const trimmed = process.memoryUsage.rss();
  tf.dispose(blocks);
  expect(held - disposed).toBeLessThan(10e6);
  expect(disposed - trimmed).toBeGreaterThan(40e6);
});
