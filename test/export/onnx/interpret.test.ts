import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { buildOnnxModel } from '../../../src/export/onnx/generator-graph.js';
import type { OnnxModel } from '../../../src/export/onnx/graph.js';
import { interpret } from '../../../src/export/onnx/interpret.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { noiseImages, referenceModel } from '../../support/exports.js';

beforeAll(async () => {
  await loadEngine();
});

const { architecture, values } = referenceModel('train');
const { size } = architecture;
const options = { direction: 'A2B', precision: 'float32', producerVersion: '1' } as const;
const encoder = (): OnnxModel => buildOnnxModel(architecture, values, 'encoder_model', options);
const image = { shape: [1, 3, size, size], data: noiseImages(1, size) };

test('interpret leaves no tensor behind, even after an error', () => {
  encoder(); // leaves the blur filters, which all networks share
  const before = tf.memory().numTensors;
  interpret(encoder(), { image });
  expect(tf.memory().numTensors).toBe(before);
  expect(() => interpret(encoder(), {})).toThrow('the input image is missing');
  const model = encoder();
  for (const op of ['Selu', 'constructor']) {
    const strange = [...model.graph.nodes, { ...model.graph.nodes[0]!, op }];
    expect(() => interpret({ ...model, graph: { ...model.graph, nodes: strange } }, { image })).toThrow(
      `no operator ${op} is known`,
    );
  }
  expect(() =>
    interpret(encoder(), {
      image: { shape: [1, 2, size, size], data: image.data.subarray(0, 2 * size * size) },
    }),
  ).toThrow(/Conv/);
  expect(tf.memory().numTensors).toBe(before);
});

test('interpret gives other results for a changed weight', () => {
  const right = interpret(encoder(), { image }).content!.data;
  const model = encoder();
  const initializers = model.graph.initializers.map((tensor) =>
    tensor.name === 'encoder.stem.0.0.weight' ? { ...tensor, data: tensor.data.map((v) => v * 1.5) } : tensor,
  );
  const wrong = interpret({ ...model, graph: { ...model.graph, initializers } }, { image }).content!.data;
  expect(wrong.some((value, i) => Math.abs(value - right[i]!) > 1e-3)).toBe(true);
});
