import { beforeAll, expect, it } from 'vitest';
import { freeUnusedMemory } from '../../../src/base/malloc-trim.js';
import type { FeatureExtractor } from '../../../src/eval/features/extractor.js';
import { FeatureCache } from '../../../src/eval/features/feature-cache.js';
import { evaluateMethods } from '../../../src/eval/measure-methods.js';
import { memoryImage } from '../../../src/eval/measured-image.js';
import type { Method } from '../../../src/eval/methods/method.js';
import type { MetricResources } from '../../../src/eval/metrics/metric.js';
import { protocolSchema } from '../../../src/eval/protocol.js';
import { loadEngine } from '../../../src/runtime/node.js';

const INPUTS = 250;
const PER_INPUT = 8;
const SIZE = 32;
const IMAGE_BYTES = SIZE * SIZE * 3;

const image = (value: number) => {
  const data = new Uint8Array(IMAGE_BYTES).fill(value);
  return memoryImage(`image ${value}`, { data, width: SIZE, height: SIZE });
};

/** Two features for each image, so that nothing but its pixels takes memory. */
const extractor: FeatureExtractor = {
  id: 'test',
  kind: 'inception',
  description: 'numbers',
  dims: 2,
  extract: async (images) => {
    const values = await Promise.all(images.map(async (one) => (await one.read()).data[0]!));
    return Float32Array.from(values.flatMap((value, i) => [value, i % 5]));
  },
  dispose: () => undefined,
};

beforeAll(() => loadEngine());

it('an evaluation frees the pixels of every output once it is measured', async () => {
  let most = 0;
  let made = 0;
  const method: Method = {
    name: 'model',
    kind: 'model',
    inputs: INPUTS,
    outputsPerInput: PER_INPUT,
    outputs: INPUTS * PER_INPUT,
    isRandom: false,
    firstSize: async () => ({ width: 1, height: 1 }),
    async *groups() {
      for (let input = 0; input < INPUTS; input++) {
        yield [{ input, outputs: Array.from({ length: PER_INPUT }, () => image(made++ % 256)) }];
        if (input % 50 === 49) {
          freeUnusedMemory();
          most = Math.max(most, process.memoryUsage().arrayBuffers);
        }
      }
    },
  };
  const resources: MetricResources = {
    features: new FeatureCache(async () => extractor),
    lpips: () => Promise.reject(new Error('no LPIPS here')),
    landmarks: () => Promise.reject(new Error('no landmarks here')),
    factors: undefined,
  };
  freeUnusedMemory();
  const before = process.memoryUsage().arrayBuffers;
  const [evaluation] = await evaluateMethods({
    protocol: protocolSchema.parse({
      name: 'all features',
      metrics: { fid: {}, kid: { subsets: 1, subsetSize: 50 }, precisionRecall: {}, densityCoverage: {} },
    }),
    methods: [method],
    real: Array.from({ length: 60 }, (_, i) => image(i)),
    resources,
  });
  expect(made).toBe(INPUTS * PER_INPUT);
  expect(evaluation!.result.figures.map(({ key }) => key)).toContain('fid');
  // The report shows the outputs of 8 inputs, and the engine's start takes some memory; all outputs are 2,000 images.
  expect(most - before).toBeLessThan(1000 * IMAGE_BYTES);
});
