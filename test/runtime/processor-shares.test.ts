import { expect, test } from 'vitest';
import { availableProcessors } from '../../src/base/processors.js';
import { processorShares } from '../../src/runtime/engine-environment.js';
import { loadEngine } from '../../src/runtime/node.js';

// Once in a process: TensorFlow reads the environment when it is loaded.
test('loadEngine for training shares the processors between operations', async () => {
  delete process.env.TF_NUM_INTRAOP_THREADS;
  delete process.env.TF_NUM_INTEROP_THREADS;
  const { threads, device } = await loadEngine({ work: 'training' });
  if (device === 'gpu') return;
  const { perOperation, operations } = processorShares(availableProcessors());
  expect(process.env).toMatchObject({
    TF_NUM_INTRAOP_THREADS: String(perOperation),
    TF_NUM_INTEROP_THREADS: String(operations),
  });
  expect(threads).toBe(perOperation * operations);
});
