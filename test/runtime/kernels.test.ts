import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ConvGeometry, type Kernels, kernels, useKernels } from '../../src/runtime/kernels.js';
import { loadEngine } from '../../src/runtime/node.js';
import { portableKernels } from '../../src/runtime/portable-kernels.js';
import { GEOMETRIES, HEIGHT, OBLONG, outSide, outWidth, WIDTH } from '../support/geometries.js';
import { relativeError } from '../support/reference.js';
import { randomTensor, separatedTensor, uniformTensor } from '../support/tensors.js';

/** Float32 sums in another order. */
const TOLERANCE = 1e-5;

type Operation = Exclude<keyof Kernels, 'name' | 'allReduce'>;
type Call = (k: Kernels) => tf.Tensor | tf.Tensor[];
type Case = [name: string, call: Call];

/** One case for each geometry: input, filter and what comes out have random values. */
function convolutions(
  filterShape: (height: number, width: number) => number[],
  outChannels: number,
  call: (k: Kernels, x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, geometry: ConvGeometry) => tf.Tensor,
): Case[] {
  const square = GEOMETRIES.map(([name, geometry, size]) => [name, geometry, size, size] as const);
  return [...square, ...OBLONG].map(([name, geometry, height, width]) => [
    name,
    (k) => {
      const out = [outSide(HEIGHT, geometry, height), outWidth(WIDTH, geometry, width)];
      return call(
        k,
        randomTensor(1, [2, HEIGHT, WIDTH, 3]),
        randomTensor(2, filterShape(height, width)),
        randomTensor(3, [2, ...out, outChannels]),
        geometry,
      );
    },
  ]);
}

/** On vectors, matrices and images, with a batch above 1. */
function elementwise(call: (k: Kernels, x: tf.Tensor, seed: number) => tf.Tensor): Case[] {
  return [[7], [3, 5], [2, 5, 3, 4]].map((shape, i) => [
    `[${shape}]`,
    (k) => call(k, randomTensor(10 + i, shape), 20 + i),
  ]);
}

const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.1);
const full = (height: number, width: number): number[] => [height, width, 3, 4];
const perChannel = (height: number, width: number): number[] => [height, width, 3, 1];

const CASES: Record<Operation, Case[]> = {
  conv2d: convolutions(full, 4, (k, x, filter, _, geometry) => k.conv2d(x, filter, geometry)),
  conv2dInputGradient: convolutions(full, 4, (k, x, filter, dy, geometry) =>
    k.conv2dInputGradient(x.shape, filter, dy, geometry),
  ),
  conv2dFilterGradient: convolutions(full, 4, (k, x, filter, dy, geometry) =>
    k.conv2dFilterGradient(x, filter.shape, dy, geometry),
  ),
  depthwise: convolutions(perChannel, 3, (k, x, filter, _, geometry) => k.depthwise(x, filter, geometry)),
  depthwiseInputGradient: convolutions(perChannel, 3, (k, x, filter, dy, geometry) =>
    k.depthwiseInputGradient(x.shape, filter, dy, geometry),
  ),
  matMul: [false, true].flatMap((transposeA) =>
    [false, true].map(
      (transposeB): Case => [
        `transposed ${transposeA}, ${transposeB}`,
        (k) =>
          k.matMul(
            randomTensor(1, transposeA ? [5, 3] : [3, 5]),
            randomTensor(2, transposeB ? [4, 5] : [5, 4]),
            transposeA,
            transposeB,
          ),
      ],
    ),
  ),
  biasLeakyRelu: elementwise((k, x, seed) =>
    k.biasLeakyRelu(x, randomTensor(seed, [x.shape.at(-1)!]), 0.2),
  ).slice(1),
  leakyRelu: [
    ...elementwise((k, x) => k.leakyRelu(x, 0.2)),
    ...elementwise((k, x) => k.leakyRelu(x, 0)),
    ['at 0', (k) => k.leakyRelu(tf.tensor1d([-1, 0, 1]), 0.2)],
  ],
  leakyReluGradient: [
    ...elementwise((k, x, seed) => k.leakyReluGradient(x, randomTensor(seed, x.shape), 0.2)),
    ...elementwise((k, x, seed) => k.leakyReluGradient(x, randomTensor(seed, x.shape), 0)),
    ['at 0', (k) => k.leakyReluGradient(tf.tensor1d([3, 3, 3]), tf.tensor1d([-1, 0, 1]), 0.2)],
  ],
  addBias: elementwise((k, x, seed) => k.addBias(x, randomTensor(seed, [x.shape.at(-1)!]))).slice(1),
  sumToLastAxis: elementwise((k, x) => k.sumToLastAxis(x)).slice(1),
  maxPool: [
    ['2, stride 2', (k) => k.maxPool(randomTensor(1, [2, HEIGHT, WIDTH, 3]), 2, 2)],
    ['3, stride 2', (k) => k.maxPool(randomTensor(1, [2, HEIGHT, WIDTH, 3]), 3, 2)],
  ],
  maxPoolGradient: [2, 3].map((size) => [
    `${size}, stride 2`,
    (k) => {
      const x = separatedTensor(1, [2, HEIGHT, WIDTH, 3], 0.01);
      const y = tf.maxPool(x as tf.Tensor4D, size, 2, 'valid');
      return k.maxPoolGradient(randomTensor(2, y.shape), x, y, size, 2);
    },
  ]),
  averagePool: [
    ['2, stride 2', (k) => k.averagePool(randomTensor(1, [2, HEIGHT, WIDTH, 3]), 2, 2, 'valid')],
    ['3, within', (k) => k.averagePool(randomTensor(1, [2, HEIGHT, WIDTH, 3]), 3, 1, 'valid')],
    ['3, the same size', (k) => k.averagePool(randomTensor(1, [2, HEIGHT, WIDTH, 3]), 3, 1, 'same')],
  ],
  averagePoolGradient: [
    [
      '2, stride 2',
      (k) => k.averagePoolGradient([2, HEIGHT, WIDTH, 3], randomTensor(1, [2, 4, 3, 3]), 2, 2, 'valid'),
    ],
    [
      '3, the same size',
      (k) =>
        k.averagePoolGradient([2, HEIGHT, WIDTH, 3], randomTensor(1, [2, HEIGHT, WIDTH, 3]), 3, 1, 'same'),
    ],
  ],
  add: elementwise((k, x, seed) => k.add(x, randomTensor(seed, x.shape))),
  addN: [1, 2, 5].map((count) => [
    `${count} terms`,
    (k) => k.addN(Array.from({ length: count }, (_, i) => randomTensor(i, [3, 5]))),
  ]),
  subtract: elementwise((k, x, seed) => k.subtract(x, randomTensor(seed, x.shape))),
  multiply: [
    ...elementwise((k, x, seed) => k.multiply(x, randomTensor(seed, x.shape))),
    ['by channel', (k) => k.multiply(randomTensor(1, [2, 5, 3, 4]), randomTensor(2, [2, 1, 1, 4]))],
    ['by a scalar', (k) => k.multiply(randomTensor(1, [7]), tf.scalar(3))],
  ],
  affine: [
    [2, 3],
    [1, 3],
    [2, 0],
    [1, 0],
    [0, 0],
  ].flatMap(([factor, offset]) =>
    elementwise((k, x) => k.affine(x, factor!, offset!)).map(
      ([name, call]): Case => [`${factor} x + ${offset}, ${name}`, call],
    ),
  ),
  divide: elementwise((k, x, seed) => k.divide(x, positive(randomTensor(seed, x.shape)))),
  square: elementwise((k, x) => k.square(x)),
  sqrt: elementwise((k, x) => k.sqrt(positive(x))),
  rsqrt: elementwise((k, x) => k.rsqrt(positive(x))),
  log: elementwise((k, x) => k.log(positive(x))),
  abs: elementwise((k, x) => k.abs(x)),
  floor: [
    ...elementwise((k, x) => k.floor(x)),
    ['whole numbers', (k) => k.floor(tf.tensor1d([-2, -1.5, 0, 1.5, 2]))],
  ],
  toInt32: [['whole numbers', (k) => k.toInt32(tf.tensor2d([-2, 0, 3, 2 ** 24 - 1], [2, 2]))]],
  sign: [...elementwise((k, x) => k.sign(x)), ['at 0', (k) => k.sign(tf.tensor1d([-2, 0, 2]))]],
  softplus: [
    ...elementwise((k, x) => k.softplus(x)),
    ['far out', (k) => k.softplus(tf.tensor1d([-90, -20, 20, 90]))],
  ],
  sigmoid: [
    ...elementwise((k, x) => k.sigmoid(x)),
    ['far out', (k) => k.sigmoid(tf.tensor1d([-90, -20, 20, 90]))],
  ],
  ...reductions(),
  broadcastTo: [
    ['a vector to an image', (k) => k.broadcastTo(randomTensor(1, [3]), [2, 5, 3, 3])],
    ['ones', (k) => k.broadcastTo(randomTensor(1, [2, 1, 1, 4]), [2, 3, 5, 4])],
    ['a scalar', (k) => k.broadcastTo(tf.scalar(2), [3, 1])],
  ],
  fill: [
    ['a scalar', (k) => k.fill([], 1)],
    ['a matrix', (k) => k.fill([3, 5], -0.25)],
  ],
  reshape: [
    ['to a vector', (k) => k.reshape(randomTensor(1, [2, 3, 4]), [24])],
    ['to a scalar', (k) => k.reshape(randomTensor(1, [1, 1]), [])],
    ['integers', (k) => k.reshape(tf.tensor1d([1, 2, 3, 4], 'int32'), [2, 2])],
  ],
  concat: [
    ['rows', (k) => k.concat([randomTensor(1, [2, 3]), randomTensor(2, [1, 3]), randomTensor(3, [4, 3])], 0)],
    ['columns', (k) => k.concat([randomTensor(1, [2, 3]), randomTensor(2, [2, 1])], 1)],
    ['integers', (k) => k.concat([tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3], 'int32')], 0)],
  ],
  slice: [
    ['rows', (k) => k.slice(randomTensor(1, [5, 3]), [1, 0], [2, 3])],
    ['a block', (k) => k.slice(randomTensor(1, [3, 5, 7, 2]), [1, 2, 0, 1], [2, 1, 6, 1])],
  ],
  pad: [
    [
      'an image',
      (k) =>
        k.pad(randomTensor(1, [2, 3, 4, 1]), [
          [0, 1],
          [2, 0],
          [1, 1],
          [0, 2],
        ]),
    ],
    ['a vector', (k) => k.pad(randomTensor(1, [3]), [[2, 1]])],
  ],
  split: [
    ['uneven pieces', (k) => k.split(randomTensor(1, [10]), [3, 1, 6])],
    ['one piece', (k) => k.split(randomTensor(1, [10]), [10])],
  ],
  gatherRows: [
    ['with repeats', (k) => k.gatherRows(randomTensor(1, [4, 3]), tf.tensor1d([3, 0, 3], 'int32'))],
    ['of images', (k) => k.gatherRows(randomTensor(1, [3, 2, 2, 3]), tf.tensor1d([2, 1], 'int32'))],
  ],
  scatterRows: [
    ['with repeats', (k) => k.scatterRows(randomTensor(1, [3, 2]), tf.tensor1d([3, 0, 3], 'int32'), 5)],
    ['of images', (k) => k.scatterRows(randomTensor(1, [2, 2, 2, 3]), tf.tensor1d([2, 1], 'int32'), 3)],
  ],
  after: [
    ['of two', (k) => k.after(randomTensor(1, [3, 2]), [randomTensor(2, [4]), tf.scalar(1)])],
    ['of none, integers', (k) => k.after(tf.tensor1d([2, 1], 'int32'), [])],
  ],
};

function reductions(): Record<'sum' | 'mean', Case[]> {
  const of = (operation: 'sum' | 'mean'): Case[] =>
    [[0], [1, 2], [3], [0, 1, 2, 3]].flatMap((axes) =>
      [true, false].map(
        (keepDims): Case => [
          `over [${axes}], ${keepDims ? 'kept' : 'dropped'}`,
          (k) => k[operation](uniformTensor(1, [2, 5, 3, 4], 0, 1), axes, keepDims),
        ],
      ),
    );
  return { sum: of('sum'), mean: of('mean') };
}

const list = (result: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(result) ? result : [result]);

describe('native and portable kernels', () => {
  let native: Kernels;
  beforeAll(async () => {
    await loadEngine();
    native = kernels();
    // Makes what the backend makes once.
    tf.tidy(() => list(CASES.mean[0]![1](portableKernels)));
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('are two implementations of the same functions, and each has a case', () => {
    expect([native.name, portableKernels.name]).toEqual(['native', 'portable']);
    const functions = Object.keys(CASES).sort();
    for (const implementation of [native, portableKernels])
      expect(
        Object.keys(implementation)
          // test/distributed tests the average over ranks.
          .filter((key) => key !== 'name' && key !== 'allReduce')
          .sort(),
      ).toEqual(functions);
    for (const [operation, cases] of Object.entries(CASES))
      expect(cases.length, operation).toBeGreaterThan(0);
  });

  const cases = Object.entries(CASES).flatMap(([operation, list]) =>
    list.map(([name, call]) => ({ operation, name, call })),
  );

  it.each(cases)('$operation ($name): same type, shape and values', ({ call }) => {
    const ours = list(call(native));
    const theirs = list(call(portableKernels));
    expect(ours.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
      theirs.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    ours.forEach((tensor, i) => {
      expect(relativeError(tensor.dataSync(), theirs[i]!.dataSync())).toBeLessThan(TOLERANCE);
    });
  });

  it.each(cases)('$operation ($name): returns new tensors and leaves nothing else behind', ({ call }) => {
    for (const implementation of [native, portableKernels]) {
      // What the case itself makes is the same in a run whose results are thrown away within a scope.
      const inputs = countInputs(call, implementation);
      const before = tf.memory().numTensors;
      const results = list(call(implementation));
      expect(tf.memory().numTensors - before - inputs, implementation.name).toBe(results.length);
    }
  });

  /** How many tensors the case makes as inputs: calls it with kernels that compute nothing. */
  function countInputs(call: Call, implementation: Kernels): number {
    const none = new Proxy(implementation, { get: () => () => [] });
    const before = tf.memory().numTensors;
    call(none);
    return tf.memory().numTensors - before;
  }

  it('are set by useKernels', () => {
    try {
      useKernels(portableKernels);
      expect(kernels()).toBe(portableKernels);
    } finally {
      useKernels(native);
    }
    expect(kernels()).toBe(native);
  });
});
