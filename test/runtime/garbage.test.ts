import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freeUnusedArrays } from '../../src/runtime/garbage.js';

it('frees arrays that nothing refers to, and no others', async () => {
  const kept = new Float32Array(1000).fill(1);
  const references = [kept.buffer, new Float32Array(1000).buffer].map((buffer) => new WeakRef(buffer));
  await setImmediate(); // a weak reference holds what it refers to until the job ends
  freeUnusedArrays();
  expect(references.map((reference) => reference.deref()?.byteLength)).toEqual([4000, undefined]);
  expect(kept[999]).toBe(1);
});
