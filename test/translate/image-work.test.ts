import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import type { Architecture } from '../../src/model/architecture.js';
import { buildGenerator } from '../../src/model/generator.js';
import { kernelWorks } from '../../src/runtime/capture/cost.js';
import { Graph, graphAttribute } from '../../src/runtime/capture/graph.js';
import { Recorder } from '../../src/runtime/capture/recorder.js';
import { DT_FLOAT } from '../../src/runtime/data-types.js';
import { loadEngine } from '../../src/runtime/node.js';
import { imageWork } from '../../src/translate/image-work.js';

beforeAll(async () => {
  await loadEngine();
});

/** Products of the convolutions that TensorFlow would compute to translate one image. */
function recordedMultiplications(architecture: Architecture): number {
  const generator = buildGenerator(architecture);
  const graph = new Graph();
  const recorder = new Recorder(graph);
  const input = (shape: readonly number[]): Tensor => {
    const info = { shape: [...shape], dtype: DT_FLOAT };
    const node = graph.add('Placeholder', [], { dtype: graphAttribute.type(DT_FLOAT) }, [info]);
    return recorder.symbol(node, { shape, dtype: 'float32' });
  };
  const result = recorder.record(() => {
    const params = Object.fromEntries(
      Object.entries(generator.specs).map(([path, { shape }]) => [path, input(shape)]),
    );
    const { size, latentDim } = architecture;
    const content = generator.contentHead(params, generator.stem(params, input([1, size, size, 3])));
    return recorder.sourceOf(generator.decode(params, content, input([1, latentDim])));
  });
  return kernelWorks(graph.nodesFor([result]))
    .filter(({ op }) => op.startsWith('Conv2D'))
    .reduce((sum, { flops }) => sum + flops / 2, 0);
}

it.each([
  ['the sample model', { size: 64, numDown: 2, channelDivisor: 8, residualBlocks: 1 }],
  ["the paper's network", { size: 256 }],
  ['a narrow network of the released training code', { variant: 'train', size: 128, channelDivisor: 4 }],
] as const)('the work of %s is that of the convolutions that it computes', (_, model) => {
  const architecture = configSchema.parse({ model, losses: { lpips: { weight: 0 } } }).model;
  const { multiplications, pixels } = imageWork(architecture);
  const ratio = multiplications / recordedMultiplications(architecture);
  expect(ratio).toBeGreaterThan(0.99);
  expect(ratio).toBeLessThan(1.01);
  expect(pixels).toBe(architecture.size ** 2);
});
