import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { outputInfos, shapeRules, type TensorInfo } from '../../../src/runtime/capture/shape-rules.js';
import { typeCode } from '../../../src/runtime/data-types.js';
import { eagerExecutor } from '../../../src/runtime/eager-executor.js';
import type { Executor } from '../../../src/runtime/executor.js';
import { type Kernels, kernels } from '../../../src/runtime/kernels.js';
import { nativeKernels } from '../../../src/runtime/native-kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { tensorflowBackend } from '../../../src/runtime/tensorflow-backend.js';
import { randomTensor, uniformTensor } from '../../support/tensors.js';

/** An operation that ran, what came out of it, and what its rule says. */
interface Observed {
  op: string;
  real: TensorInfo[];
  predicted: TensorInfo[];
}

const infoOf = ({ shape, dtype }: tf.Tensor): TensorInfo => ({ shape, dtype: typeCode(dtype) });

/** Runs `fn` on kernels that watch the operations on their way to TensorFlow. */
function observe(fn: Call): Observed[] {
  const eager = eagerExecutor(tensorflowBackend('The test'));
  const observed: Observed[] = [];
  const execute: Executor['execute'] = (op, inputs, attributes, outputs) => {
    const infos = inputs.map((tensor) => ({ ...infoOf(tensor), values: tensor.dataSync() }));
    const results = eager.execute(op, inputs, attributes, outputs);
    observed.push({
      op,
      real: results.map(infoOf),
      predicted: outputInfos({ op, inputs: infos, attributes, outputs }).map(({ shape, dtype }) => ({
        shape: [...shape],
        dtype,
      })),
    });
    return results;
  };
  fn(
    nativeKernels({
      ...eager,
      execute,
      after: (x) => execute('Identity', [x], { T: { kind: 'type', value: typeCode(x.dtype) } }, 1)[0]!,
    }),
  );
  return observed;
}

/** `allReduce` needs other ranks: test/distributed has its tests. */
type Function = Exclude<keyof Kernels, 'name' | 'allReduce'>;
type Call = (k: Kernels) => unknown;

// Sides, channels and batch all differ, so that no axis can stand for another.
const image = () => randomTensor(1, [2, 9, 7, 3]);
const matrix = () => randomTensor(2, [3, 5]);
const same = { stride: 1, padding: [1, 1] } as const;
const uneven = { stride: 2, padding: [0, 1] } as const;
const bare = { stride: 2, padding: [0, 0] } as const;
const sideways = { stride: 1, padding: [0, 0], sidePadding: [1, 1] } as const;
const filter = () => randomTensor(3, [3, 3, 3, 4]);
const depthwiseFilter = () => randomTensor(3, [3, 3, 3, 1]);
const rowNumbers = () => tf.tensor1d([3, 0, 3], 'int32');
/** The same function on a vector, a matrix and an image. */
const everywhere = (call: (k: Kernels, x: tf.Tensor) => unknown): Call[] =>
  [() => randomTensor(4, [7]), matrix, image].map((make) => (k) => call(k, make()));
const withBroadcasting = (name: 'add' | 'subtract' | 'multiply' | 'divide'): Call[] => [
  (k) => k[name](image(), uniformTensor(5, [2, 9, 7, 3], 1, 2)),
  (k) => k[name](image(), uniformTensor(5, [2, 1, 1, 3], 1, 2)),
  (k) => k[name](image(), uniformTensor(5, [7, 1], 1, 2)),
  (k) => k[name](randomTensor(6, [3]), uniformTensor(5, [2, 5, 3], 1, 2)),
  (k) => k[name](randomTensor(6, [5, 1]), uniformTensor(5, [1, 4], 1, 2)),
  (k) => k[name](matrix(), tf.scalar(2)),
  (k) => k[name](tf.scalar(2), tf.scalar(3)),
];
const reductions = (name: 'sum' | 'mean'): Call[] =>
  [[0], [1, 2], [3], [0, 1, 2, 3], [-1]].flatMap((axes) =>
    [true, false].map(
      (keepDims): Call =>
        (k) =>
          k[name](image(), axes, keepDims),
    ),
  );

const CASES: Record<Function, Call[]> = {
  conv2d: [same, uneven, bare, sideways].map((geometry) => (k) => k.conv2d(image(), filter(), geometry)),
  conv2dInputGradient: [same, uneven, bare].map((geometry) => (k) => {
    const y = k.conv2d(image(), filter(), geometry);
    return k.conv2dInputGradient([2, 9, 7, 3], filter(), y, geometry);
  }),
  conv2dFilterGradient: [same, uneven, bare].map((geometry) => (k) => {
    const y = k.conv2d(image(), filter(), geometry);
    return k.conv2dFilterGradient(image(), [3, 3, 3, 4], y, geometry);
  }),
  depthwise: [same, uneven, bare].map((geometry) => (k) => k.depthwise(image(), depthwiseFilter(), geometry)),
  depthwiseInputGradient: [same, uneven, bare].map((geometry) => (k) => {
    const y = k.depthwise(image(), depthwiseFilter(), geometry);
    return k.depthwiseInputGradient([2, 9, 7, 3], depthwiseFilter(), y, geometry);
  }),
  matMul: [
    (k) => k.matMul(randomTensor(1, [3, 5]), randomTensor(2, [5, 4]), false, false),
    (k) => k.matMul(randomTensor(1, [5, 3]), randomTensor(2, [5, 4]), true, false),
    (k) => k.matMul(randomTensor(1, [3, 5]), randomTensor(2, [4, 5]), false, true),
    (k) => k.matMul(randomTensor(1, [5, 3]), randomTensor(2, [4, 5]), true, true),
  ],
  biasLeakyRelu: [(k) => k.biasLeakyRelu(image(), randomTensor(2, [3]), 0.2)],
  leakyRelu: everywhere((k, x) => k.leakyRelu(x, 0.2)),
  leakyReluGradient: everywhere((k, x) => k.leakyReluGradient(x, x, 0.2)),
  addBias: [
    (k) => k.addBias(image(), randomTensor(2, [3])),
    (k) => k.addBias(matrix(), randomTensor(2, [5])),
  ],
  sumToLastAxis: [(k) => k.sumToLastAxis(image()), (k) => k.sumToLastAxis(matrix())],
  maxPool: [(k) => k.maxPool(image(), 2, 2), (k) => k.maxPool(image(), 3, 2)],
  maxPoolGradient: [
    (k) => {
      const y = k.maxPool(image(), 3, 2);
      return k.maxPoolGradient(y, image(), y, 3, 2);
    },
  ],
  averagePool: [
    (k) => k.averagePool(image(), 3, 2, 'valid'),
    (k) => k.averagePool(image(), 3, 1, 'same'),
    (k) => k.averagePool(image(), 3, 2, 'same'),
  ],
  averagePoolGradient: [
    (k) => k.averagePoolGradient([2, 9, 7, 3], k.averagePool(image(), 3, 2, 'valid'), 3, 2, 'valid'),
    (k) => k.averagePoolGradient([2, 9, 7, 3], image(), 3, 1, 'same'),
  ],
  add: withBroadcasting('add'),
  addN: [1, 3].map((count) => (k) => k.addN(Array.from({ length: count }, matrix))),
  subtract: withBroadcasting('subtract'),
  multiply: withBroadcasting('multiply'),
  affine: everywhere((k, x) => k.affine(x, 2, 3)),
  divide: withBroadcasting('divide'),
  square: everywhere((k, x) => k.square(x)),
  sqrt: everywhere((k, x) => k.sqrt(k.square(x))),
  rsqrt: everywhere((k, x) => k.rsqrt(k.square(x))),
  log: everywhere((k, x) => k.log(k.affine(k.square(x), 1, 1))),
  abs: everywhere((k, x) => k.abs(x)),
  floor: everywhere((k, x) => k.floor(x)),
  toInt32: everywhere((k, x) => k.toInt32(x)),
  sign: everywhere((k, x) => k.sign(x)),
  softplus: everywhere((k, x) => k.softplus(x)),
  sigmoid: everywhere((k, x) => k.sigmoid(x)),
  sum: reductions('sum'),
  mean: reductions('mean'),
  broadcastTo: [
    (k) => k.broadcastTo(randomTensor(1, [3]), [2, 5, 3]),
    (k) => k.broadcastTo(randomTensor(1, [2, 1, 1, 4]), [2, 3, 5, 4]),
    (k) => k.broadcastTo(tf.scalar(2), [3, 1]),
  ],
  fill: [(k) => k.fill([3, 5], -0.25), (k) => k.fill([], 1)],
  reshape: [
    (k) => k.reshape(image(), [2, 63, 3]),
    (k) => k.reshape(randomTensor(1, [1, 1]), []),
    (k) => k.reshape(tf.tensor1d([1, 2, 3, 4], 'int32'), [2, 2]),
  ],
  concat: [
    (k) => k.concat([randomTensor(1, [2, 3]), randomTensor(2, [1, 3]), randomTensor(3, [4, 3])], 0),
    (k) => k.concat([randomTensor(1, [2, 3]), randomTensor(2, [2, 1])], 1),
    (k) => k.concat([tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3], 'int32')], 0),
  ],
  slice: [
    (k) => k.slice(image(), [1, 2, 0, 1], [1, 3, 6, 2]),
    (k) => k.slice(tf.tensor1d([1, 2, 3], 'int32'), [1], [2]),
  ],
  pad: [
    (k) =>
      k.pad(image(), [
        [0, 1],
        [2, 0],
        [1, 1],
        [0, 2],
      ]),
    (k) => k.pad(randomTensor(1, [3]), [[2, 1]]),
  ],
  split: [(k) => k.split(randomTensor(1, [10]), [3, 1, 6]), (k) => k.split(randomTensor(1, [10]), [10])],
  gatherRows: [
    (k) => k.gatherRows(randomTensor(1, [4, 3]), rowNumbers()),
    (k) => k.gatherRows(randomTensor(1, [4, 2, 5, 3]), rowNumbers()),
    (k) => k.gatherRows(tf.tensor1d([5, 6, 7, 8], 'int32'), rowNumbers()),
  ],
  scatterRows: [
    (k) => k.scatterRows(randomTensor(1, [3, 2]), rowNumbers(), 5),
    (k) => k.scatterRows(randomTensor(1, [3, 2, 2, 4]), rowNumbers(), 5),
  ],
  after: [(k) => k.after(image(), [matrix()]), (k) => k.after(rowNumbers(), [])],
};

describe('the shape rule of every operation', () => {
  beforeAll(async () => {
    await loadEngine();
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it.each(Object.entries(CASES))('%s: gives the shape and type of the outputs', (name, calls) => {
    for (const [i, call] of calls.entries()) {
      const observed = observe(call);
      expect(observed.length, `${name}, case ${i}`).toBeGreaterThan(0);
      for (const { op, real, predicted } of observed) {
        expect(predicted, `${op} in ${name}, case ${i}`).toEqual(real);
      }
    }
  });

  it('is checked against the kernel: every kernel function has a case, and every rule is used', () => {
    const functions = Object.keys(kernels()).filter((key) => !['name', 'allReduce'].includes(key));
    expect(Object.keys(CASES).sort()).toEqual(functions.sort());
    const ran = new Set(
      Object.values(CASES).flatMap((calls) => calls.flatMap((call) => observe(call).map(({ op }) => op))),
    );
    ran.add('GnrAllReduce');
    expect([...ran].sort(), 'add a case above for a new rule').toEqual(Object.keys(shapeRules).sort());
  });
});

describe('outputInfos', () => {
  const float = (shape: number[], values?: number[]): TensorInfo => ({
    shape,
    dtype: 1,
    ...(values && { values }),
  });
  const infer = (op: string, inputs: TensorInfo[]) => outputInfos({ op, inputs, attributes: {}, outputs: 1 });

  it('names an operation without a rule, and the file to add it to', () => {
    expect(() => infer('Frobnicate', [])).toThrow(
      /no shape rule for the TensorFlow operation Frobnicate; add one to src\/runtime\/capture\/shape-rules\.ts/,
    );
  });

  it('rejects shapes that cannot be broadcast, and values that are unknown while recording', () => {
    expect(() => infer('AddV2', [float([2, 3]), float([4])])).toThrow(
      'cannot broadcast the shapes [2,3] and [4]',
    );
    expect(() => infer('Reshape', [float([6]), float([2])])).toThrow(/input 1 of Reshape must be a constant/);
    expect(() => infer('MatMul', [float([2, 3]), float([3, 4])])).toThrow(/MatMul .* attribute transpose_a/);
    expect(() => infer('SplitV', [float([5]), float([2], [2, 2]), float([], [0])])).toThrow(RangeError);
  });
});
