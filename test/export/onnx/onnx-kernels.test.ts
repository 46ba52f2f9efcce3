import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import type { OnnxGraph } from '../../../src/export/onnx/graph.js';
import { interpret } from '../../../src/export/onnx/interpret.js';
import { encodeModel } from '../../../src/export/onnx/model-file.js';
import { type OnnxRecording, recordOnnx } from '../../../src/export/onnx/record.js';
import type { ParameterSpec, Params } from '../../../src/model/parameters.js';
import { sizeOf } from '../../../src/model/parameters.js';
import { Tape } from '../../../src/ops/autodiff.js';
import { conv2d } from '../../../src/ops/convolution.js';
import { type Kernels, kernels } from '../../../src/runtime/kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { toNchw } from '../../support/exports.js';
import { openOnnxruntime } from '../../support/onnxruntime.js';
import { relativeError } from '../../support/reference.js';

const onnxruntime = await openOnnxruntime();
const TOLERANCE = 1e-5;

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const spec = (shape: number[]): ParameterSpec => ({
  shape,
  init: { deviation: 1 },
  gain: 1,
  torch: { kind: 'linear' },
});

/** The parameters of all cases. */
const SPECS = {
  'a.filter': spec([3, 3, 4, 6]),
  'a.bias': spec([6]),
  'a.depthwise': spec([3, 3, 4, 1]),
  'a.rows': spec([5 * 6 * 4, 7]),
  'a.columns': spec([7, 5 * 6 * 4]),
  'a.matrix': spec([8, 4]),
  'a.vector': spec([4]),
  'a.picture': spec([1, 5, 6, 4]),
};
const VALUES = Object.fromEntries(
  Object.entries(SPECS).map(([path, { shape }]) => [path, new Rng(1, path).normals(sizeOf(shape))]),
);

interface Given {
  k: Kernels;
  p: Params;
  /** Images `[n, 5, 6, 4]`. */
  x: tf.Tensor;
  /** Styles `[n, 8]`. */
  s: tf.Tensor;
}
type Case = (given: Given) => tf.Tensor;

const same = { stride: 1, padding: [1, 1] } as const;
const odd = { stride: 2, padding: [1, 0], sidePadding: [0, 2] } as const;
const flat = ({ k, x }: Given): tf.Tensor => k.reshape(x, [x.shape[0]!, 5 * 6 * 4]);
const spread = ({ k, p, s }: Given): tf.Tensor =>
  k.reshape(k.matMul(s, p['a.matrix']!, false, false), [s.shape[0]!, 1, 1, 4]);

const CASES: Record<string, Case> = {
  conv2d: ({ k, p, x }) => k.conv2d(x, p['a.filter']!, same),
  'conv2d with a stride and uneven padding': ({ k, p, x }) => k.conv2d(x, p['a.filter']!, odd),
  'conv2d with a bias': ({ k, p, x }) => k.addBias(k.conv2d(x, p['a.filter']!, same), p['a.bias']!),
  'conv2d of which the result without its bias is used too': ({ k, p, x }) => {
    const y = k.conv2d(x, p['a.filter']!, same);
    return k.multiply(k.addBias(y, p['a.bias']!), y);
  },
  'conv2d with a filter that is computed': ({ k, p, x }) =>
    k.conv2d(x, k.affine(k.square(p['a.filter']!), 0.1, -0.1), same),
  conv2dInputGradient: ({ k, p, x }) => {
    const y = k.conv2d(x, p['a.filter']!, odd);
    return k.conv2dInputGradient(x.shape, p['a.filter']!, y, odd);
  },
  'conv2dInputGradient with rows that no filter reached': ({ k, p, x }) => {
    const geometry = { stride: 2, padding: [0, 0] } as const;
    const y = k.conv2d(x, p['a.filter']!, geometry);
    return k.conv2dInputGradient(x.shape, p['a.filter']!, y, geometry);
  },
  depthwise: ({ k, p, x }) => k.depthwise(x, p['a.depthwise']!, odd),
  'depthwise with a filter of the operations themselves': ({ k, x }) =>
    k.depthwise(x, tf.ones([2, 2, 4, 1]), { stride: 1, padding: [0, 0] }),
  depthwiseInputGradient: ({ k, p, x }) => {
    const y = k.depthwise(x, p['a.depthwise']!, odd);
    return k.depthwiseInputGradient(x.shape, p['a.depthwise']!, y, odd);
  },
  'matMul with a bias': ({ k, p, s }) => k.addBias(k.matMul(s, p['a.matrix']!, false, false), p['a.vector']!),
  'matMul scaled and shifted': ({ k, p, s }) => k.affine(k.matMul(s, p['a.matrix']!, false, false), 0.5, 2),
  'matMul of flattened images': (given) => given.k.matMul(flat(given), given.p['a.rows']!, false, false),
  'matMul of flattened images with a transposed matrix': (given) =>
    given.k.matMul(flat(given), given.p['a.columns']!, false, true),
  'matMul of flattened images with a computed matrix': (given) =>
    given.k.matMul(flat(given), given.k.square(given.p['a.rows']!), false, false),
  'matMul with both sides transposed': ({ k, p, s }) => {
    const products = k.matMul(p['a.matrix']!, s, true, true); // [4, n]
    return k.matMul(products, k.reshape(p['a.vector']!, [1, 4]), true, true);
  },
  'matMul with sums of a filter': ({ k, p, x }) => {
    const power = k.reshape(k.sum(k.square(p['a.filter']!), [0, 1], true), [4, 6]);
    const means = k.reshape(k.mean(x, [1, 2], true), [x.shape[0]!, 4]);
    return k.matMul(means, power, false, false);
  },
  biasLeakyRelu: ({ k, p, x }) => k.biasLeakyRelu(x, p['a.vector']!, 0.2),
  leakyRelu: ({ k, x }) => k.leakyRelu(x, 0),
  'arithmetic of images': ({ k, x }) => k.divide(k.subtract(x, k.square(x)), k.affine(k.abs(x), 1, 2)),
  'arithmetic of images and parameters': ({ k, p, x }) => k.addN([k.multiply(x, p['a.picture']!), x, x]),
  'arithmetic of images and of one number for each channel': (given) =>
    given.k.multiply(spread(given), given.x),
  'sqrt, rsqrt, log, sigmoid and softplus': ({ k, x }) => {
    const positive = k.affine(k.square(x), 1, 1);
    const ofPositive = k.addN([k.sqrt(positive), k.rsqrt(positive), k.log(positive)]);
    return k.add(ofPositive, k.add(k.sigmoid(x), k.softplus(x)));
  },
  'sum over channels': ({ k, x }) => k.sum(x, [3], true),
  'sum without the axes': ({ k, x }) => k.sum(x, [1, 3], false),
  'mean over rows and columns without the axes': ({ k, x }) => k.mean(x, [1, 2], false),
  'reshape that flattens images': flat,
  'reshape that flattens images and shapes them again': (given) =>
    given.k.conv2d(given.k.reshape(flat(given), given.x.shape), given.p['a.filter']!, same),
  'reshape that removes axes': (given) => given.k.reshape(spread(given), [given.s.shape[0]!, 4]),
  'reshape that joins images and pixels': ({ k, p, x }) => {
    const pixels = k.reshape(x, [x.shape[0]! * 30, 4]);
    return k.reshape(k.matMul(pixels, p['a.matrix']!, false, true), [x.shape[0]!, 5, 6, 8]);
  },
  'concat of channels': ({ k, x }) => k.concat([x, k.square(x)], 3),
  'concat of features': (given) => given.k.concat([given.s, flat(given)], 1),
  after: ({ k, x }) => k.square(k.after(x, [x])),
};

function recorded(run: Case): Pick<OnnxGraph, 'inputs' | 'outputs' | 'nodes' | 'initializers'> {
  const record = (recording: OnnxRecording): void => {
    const p = recording.parameters(SPECS, VALUES);
    const x = recording.input('x', [5, 6, 4]);
    const s = recording.input('s', [8]);
    recording.output('y', run({ k: kernels(), p, x, s }));
  };
  return recordOnnx(record, 'float32');
}
const modelOf = (run: Case) => ({
  producerVersion: '1',
  metadata: {},
  graph: { name: 'case', description: '', ...recorded(run) },
});

/** In the file's layout. */
function stored(tensor: tf.Tensor) {
  const data = tensor.dataSync<'float32'>();
  if (tensor.rank !== 4) return { shape: tensor.shape, data };
  const [n, h, w, c] = tensor.shape as [number, number, number, number];
  return { shape: [n, c, h, w], data: toNchw(data, [n, h, w, c]) };
}

async function runtime(model: ReturnType<typeof modelOf>, inputs: Record<string, ReturnType<typeof stored>>) {
  const { InferenceSession, Tensor } = onnxruntime!;
  const session = await InferenceSession.create(Buffer.concat(encodeModel(model).chunks), {
    logSeverityLevel: 3,
  });
  const feeds = Object.entries(inputs)
    .filter(([name]) => session.inputNames.includes(name))
    .map(([name, { shape, data }]) => [name, new Tensor('float32', data, shape)]);
  const { y } = await session.run(Object.fromEntries(feeds));
  await session.release();
  return { shape: [...y!.dims], data: y!.data as Float32Array };
}

describe.each(Object.keys(CASES))('recorded as ONNX, %s', (name) => {
  const run = CASES[name]!;

  test.each([1, 3])('gives what the kernels give for a batch of %i', async (count) => {
    const x = tf.tensor4d(new Rng(2, 'x').normals(count * 120), [count, 5, 6, 4]);
    const s = tf.tensor2d(new Rng(3, 's').normals(count * 8), [count, 8]);
    const p = Object.fromEntries(
      Object.entries(SPECS).map(([path, { shape }]) => [path, tf.tensor(VALUES[path]!, shape)]),
    );
    const expected = stored(run({ k: kernels(), p, x, s }));
    const inputs = { x: stored(x), s: stored(s) };
    const model = modelOf(run);
    const interpreted = interpret(model, inputs).y!;
    expect(interpreted.shape).toEqual(expected.shape);
    expect(relativeError(interpreted.data, expected.data)).toBeLessThan(TOLERANCE);
    if (!onnxruntime) return;
    const actual = await runtime(model, inputs);
    expect(actual.shape).toEqual(expected.shape);
    expect(relativeError(actual.data, expected.data)).toBeLessThan(TOLERANCE);
  });
});

describe('a recorded graph', () => {
  const opsOf = (run: Case): string[] => recorded(run).nodes.map(({ op }) => op);

  test('has one node for a convolution with a bias, and one for a matrix product with a bias', () => {
    expect(opsOf(CASES['conv2d with a bias']!)).toEqual(['Conv', 'Identity']);
    expect(opsOf(CASES['matMul with a bias']!)).toEqual(['Gemm', 'Identity']);
    expect(opsOf(CASES['matMul scaled and shifted']!)).toEqual(['Gemm', 'Identity']);
  });

  test('transposes nothing on the way from images through convolutions to matrix products', () => {
    const ops = opsOf(({ k, p, x }) => {
      const y = k.biasLeakyRelu(k.conv2d(x, p['a.filter']!, same), p['a.bias']!, 0.2);
      const back = k.conv2dInputGradient(x.shape, p['a.filter']!, y, same);
      return k.matMul(k.reshape(back, [x.shape[0]!, 120]), p['a.rows']!, false, false);
    });
    expect(ops).toEqual(['Conv', 'LeakyRelu', 'ConvTranspose', 'Flatten', 'Gemm', 'Identity']);
  });

  test('stores what is used twice once, by the name of the parameter', () => {
    const shared = tf.ones([2, 2, 4, 1]);
    const { initializers } = recorded(({ k, p, x }) => {
      const once = (images: tf.Tensor): tf.Tensor => {
        const y = k.depthwise(k.affine(images, 0.5, 0), shared, { stride: 1, padding: [1, 0] });
        return k.conv2dInputGradient(images.shape, p['a.filter']!, k.conv2d(y, p['a.filter']!, same), same);
      };
      return once(once(x));
    });
    expect(initializers.map(({ name }) => name)).toEqual(['number_0.5', 'constant', 'a.filter']);
  });

  test('holds nothing that its outputs do not depend on', () => {
    const { nodes, initializers } = recorded(({ k, p, x }) => {
      k.conv2d(x, p['a.filter']!, same);
      return k.square(x);
    });
    expect(nodes.map(({ op }) => op)).toEqual(['Mul', 'Identity']);
    expect(initializers).toEqual([]);
  });

  test('cannot be recorded with a kernel that exports do not have, whose name the message has', () => {
    const real = kernels();
    expect(() => recorded(({ k, x }) => k.maxPool(x, 2, 2))).toThrow('no kernel maxPool');
    expect(() => recorded(({ k, x }) => k.slice(x, [0, 0, 0, 0], [1, 1, 1, 1]))).toThrow('no kernel slice');
    expect(kernels()).toBe(real);
  });

  test('cannot be recorded with the gradient of a convolution, whose kernel it names', () => {
    const gradient: Case = ({ p, x }) => {
      const tape = new Tape([p['a.filter']!]);
      const y = tape.record(() => conv2d(x, p['a.filter']!, same));
      return tape.gradientsFrom([y], [y], [p['a.filter']!])[0]!;
    };
    expect(() => recorded(gradient)).toThrow('no kernel conv2dFilterGradient');
  });

  test('leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    recorded(CASES['conv2d with a filter that is computed']!);
    expect(tf.memory().numTensors).toBe(before);
  });
});
