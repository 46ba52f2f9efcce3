import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { benchTrain } from '../../src/bench/bench.js';
import { loadEngine } from '../../src/runtime/node.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';

beforeAll(async () => {
  await loadEngine();
});

const config = (r1Weight = 10, r1EverySteps = 2) =>
  tinyConfig({ model: MIN_LAYERS, training: { batch: 1, r1Weight, r1EverySteps } });

describe('benchTrain', () => {
  it('reports every step, and the size of the captured graph', async () => {
    const reported: number[] = [];
    const result = await benchTrain(config(), 3, (done) => reported.push(done));
    expect(reported).toEqual([1, 2, 3]);
    expect(result).toMatchObject({ work: 'train', size: 32, batch: 1, captured: true, withR1: false });
    expect(result.all).toHaveLength(3);
    expect(result.seconds).toBe(result.all[2]);
    expect(result.kernels).toBeGreaterThan(100);
    expect(result.peakRssBytes).toBeGreaterThanOrEqual(process.memoryUsage.rss() / 2);
  });

  it('takes steps with R1 on request, unless its weight is 0', async () => {
    expect(await benchTrain(config(), 1, () => undefined, true)).toMatchObject({ withR1: true });
    expect(await benchTrain(config(0), 1, () => undefined, true)).toMatchObject({ withR1: false });
  });

  it('leaves no tensor behind', async () => {
    await benchTrain(config(), 1, () => undefined);
    const before = tf.memory().numTensors;
    await benchTrain(config(), 1, () => undefined);
    expect(tf.memory().numTensors).toBe(before);
  });
});
