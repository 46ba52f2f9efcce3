import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { buildOnnxModel, ONNX_PARTS, type OnnxPart } from '../../../src/export/onnx/generator-graph.js';
import type { OnnxModel, WeightPrecision } from '../../../src/export/onnx/graph.js';
import { type HostArray, interpret } from '../../../src/export/onnx/interpret.js';
import { decodeModel, encodeModel } from '../../../src/export/onnx/model-file.js';
import { channelsAt, contentSize } from '../../../src/model/architecture.js';
import { buildGenerator } from '../../../src/model/generator.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { readModel } from '../../../src/translate/model.js';
import { openTranslator } from '../../../src/translate/open-translator.js';
import { type Direction, drawStyles, type Translator } from '../../../src/translate/translator.js';
import { noiseImages, referenceModel, type TestModel, toNchw } from '../../support/exports.js';
import { openOnnxruntime } from '../../support/onnxruntime.js';
import { relativeError } from '../../support/reference.js';

const onnxruntime = await openOnnxruntime();

/** Of the image range, and of the largest number of a code. */
const BOUNDS = { float32: 1e-4, float16: 2e-2 } as const;
/** Batches that every file has to take. */
const COUNTS = [1, 3];

const SOURCES: Record<string, () => Promise<TestModel> | TestModel> = {
  'models/sample': () => readModel('models/sample'),
  'the reference, main': () => referenceModel('main'),
  'the reference, train': () => referenceModel('train'),
};

const bytesOf = (model: OnnxModel): Uint8Array => Buffer.concat(encodeModel(model).chunks);

/** The output of a file for each set of inputs. */
async function runtime(bytes: Uint8Array, batches: Record<string, HostArray>[]): Promise<Float32Array[]> {
  const { InferenceSession, Tensor } = onnxruntime!;
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const outputs: Float32Array[] = [];
  try {
    for (const inputs of batches) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)]),
      );
      const result = await session.run(feeds);
      outputs.push(result[session.outputNames[0]!]!.data as Float32Array);
    }
    return outputs;
  } finally {
    await session.release();
  }
}

/** What each part takes, and what the translator gives for it. */
function examples(translator: Translator, direction: Direction, count: number) {
  const { architecture } = translator;
  const { size, latentDim } = architecture;
  const side = contentSize(architecture);
  const channels = channelsAt(architecture, side);
  const pictures = noiseImages(count, size);
  const styles = drawStyles(new Rng(1, 'styles'), count, latentDim);
  const content = translator.encode(direction, pictures);
  const nchw = (data: Float32Array) => toNchw(data, [count, size, size, 3]);
  const contentNchw = toNchw(content.codes, [count, side, side, channels]);
  const image: HostArray = { shape: [count, 3, size, size], data: nchw(pictures) };
  const style: HostArray = { shape: [count, latentDim], data: styles };
  const code: HostArray = { shape: [count, channels, side, side], data: contentNchw };
  const translated = nchw(translator.decode(content, styles));
  return {
    model: { inputs: { image, style }, expected: translated },
    encoder_model: { inputs: { image }, expected: contentNchw },
    decoder_model: { inputs: { content: code, style }, expected: translated },
    style_encoder: { inputs: { image }, expected: translator.styleOf(direction, pictures) },
  } satisfies Record<OnnxPart, { inputs: Record<string, HostArray>; expected: Float32Array }>;
}

/** Of the image range for pictures, of the largest magnitude for codes. */
function difference(part: OnnxPart, actual: Float32Array, expected: Float32Array): number {
  if (part === 'encoder_model' || part === 'style_encoder') return relativeError(actual, expected);
  expect(actual).toHaveLength(expected.length);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0) / 2;
}

describe.each(Object.keys(SOURCES))('ONNX of %s', (name) => {
  let source: TestModel;
  let translator: Translator;
  beforeAll(async () => {
    await loadEngine();
    source = await SOURCES[name]!();
    translator = openTranslator(source.architecture, source.values, { capture: false });
  });
  afterAll(() => translator.dispose());

  const build = (part: OnnxPart, direction: Direction, precision: WeightPrecision) =>
    buildOnnxModel(source.architecture, source.values, part, { direction, precision, producerVersion: '0' });

  test.skipIf(!onnxruntime).each([
    ['A2B', 'float32'],
    ['A2B', 'float16'],
    ['B2A', 'float32'],
  ] as const)(
    'equals our translator in onnxruntime and in the interpreter for one image and for three (%s, %s)',
    async (direction, precision) => {
      const given = COUNTS.map((count) => examples(translator, direction, count));
      const bound = BOUNDS[precision];
      for (const part of ONNX_PARTS) {
        const batches = given.map((parts) => parts[part]);
        const bytes = bytesOf(build(part, direction, precision));
        const read = decodeModel(bytes);
        const outputs = await runtime(
          bytes,
          batches.map(({ inputs }) => inputs),
        );
        for (const [i, { inputs, expected }] of batches.entries()) {
          const what = `${part} of ${COUNTS[i]} images`;
          const actual = outputs[i]!;
          expect
            .soft(difference(part, actual, expected), `${what} in onnxruntime`)
            .toBeLessThanOrEqual(bound);
          const own = interpret(read, inputs)[read.graph.outputs[0]!.name]!.data;
          // The interpreter computes what the runtime does, whatever is in the file.
          expect.soft(difference(part, own, actual), `${what} in the interpreter`).toBeLessThanOrEqual(1e-5);
        }
      }
    },
  );

  test('has every parameter of a generator in one of its parts, only depthwise grouped convolutions, and no transposed values', () => {
    const graphs = ONNX_PARTS.map((part) => build(part, 'A2B', 'float32').graph);
    const names = new Set(graphs.flatMap(({ initializers }) => initializers.map((tensor) => tensor.name)));
    const { specs } = buildGenerator(source.architecture);
    expect(Object.keys(specs).filter((path) => !names.has(path))).toEqual([]);
    for (const { nodes, initializers, inputs, outputs } of graphs) {
      const shapes = new Map(initializers.map(({ name: own, shape }) => [own, shape]));
      for (const { op, inputs: read, attributes } of nodes) {
        expect(op).not.toBe('Transpose');
        const group = attributes.group;
        if (!op.startsWith('Conv') || group === undefined) continue;
        expect(group).toEqual({ int: shapes.get(read[1]!)![0] });
      }
      for (const { shape } of [...inputs, ...outputs]) expect(shape[0]).toBe('batch');
    }
  });
});
