import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { processorShares } from '../../src/runtime/engine-environment.js';
import { loadEngine } from '../../src/runtime/node.js';

test('operations of a training run side by side, on half of the processors each', () => {
  const shares = [1, 2, 3, 4, 5, 16].map(processorShares);
  expect(shares.map(({ perOperation, operations }) => `${operations} x ${perOperation}`)).toEqual([
    '1 x 1',
    '2 x 1',
    '3 x 1',
    '2 x 2',
    '3 x 2',
    '2 x 8',
  ]);
});

// Once in a process: TensorFlow reads the environment when it is loaded.
test('a training is set up so', async () => {
  delete process.env.TF_NUM_INTRAOP_THREADS;
  delete process.env.TF_NUM_INTEROP_THREADS;
  const { threads, device } = await loadEngine({ work: 'training' });
  if (device === 'gpu') return;
  const { perOperation, operations } = processorShares(availableParallelism());
  expect(process.env).toMatchObject({
    TF_NUM_INTRAOP_THREADS: String(perOperation),
    TF_NUM_INTEROP_THREADS: String(operations),
  });
  expect(threads).toBe(perOperation * operations);
});
