import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as activation from '../../src/ops/activation.js';
import * as arithmetic from '../../src/ops/arithmetic.js';
import * as convolution from '../../src/ops/convolution.js';
import * as microBatch from '../../src/ops/micro-batch.js';
import * as recomputing from '../../src/ops/recompute.js';
import * as resample from '../../src/ops/resample.js';
import * as shape from '../../src/ops/shape.js';
import { loadEngine } from '../../src/runtime/node.js';
import { checkGradients, type Fn } from '../support/gradients.js';
import { randomTensor, separatedTensor, uniformTensor } from '../support/tensors.js';

/** Larger than what a check moves an input by, so that no corner is crossed. */
const GAP = 0.1;

interface GradientCase {
  name: string;
  fn: Fn;
  inputs: () => tf.Tensor[];
  /** How many times the result is differentiated; 3 by default. */
  order?: number;
}

type Cases = Record<string, GradientCase[]>;

const positive = (seed: number, dims: number[]): tf.Tensor => uniformTensor(seed, dims, 0.5, 2);
/** A bias that moves separated numbers to other separated numbers. */
const wholeGaps = (count: number): tf.Tensor =>
  tf.tensor1d(Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 2 : -3) * GAP));

const unary = (fn: Fn, input: () => tf.Tensor = () => randomTensor(1, [2, 3])): GradientCase[] => [
  { name: 'one input', fn, inputs: () => [input()] },
];
const binary = (fn: Fn): GradientCase[] => [
  { name: 'two inputs', fn, inputs: () => [randomTensor(1, [2, 3]), positive(2, [2, 3])] },
];

const ACTIVATION: Cases = {
  addBias: [
    {
      name: 'rows',
      fn: activation.addBias,
      inputs: () => [randomTensor(1, [3, 4]), randomTensor(2, [4])],
    },
    {
      name: 'images, then squared',
      fn: (x, b) => arithmetic.square(activation.addBias(x!, b!)),
      inputs: () => [randomTensor(1, [2, 3, 2, 2]), randomTensor(2, [2])],
    },
  ],
  biasLeakyRelu: [
    {
      name: 'rows',
      fn: activation.biasLeakyRelu,
      inputs: () => [separatedTensor(1, [3, 4], GAP), wholeGaps(4)],
    },
    {
      name: 'images, then squared',
      fn: (x, b) => arithmetic.square(activation.biasLeakyRelu(x!, b!)),
      inputs: () => [separatedTensor(1, [2, 2, 2, 2], GAP), wholeGaps(2)],
    },
  ],
  relu: [
    { name: 'alone', fn: activation.relu, inputs: () => [separatedTensor(1, [3, 4], GAP)] },
    {
      name: 'squared',
      fn: (x) => arithmetic.square(activation.relu(x!)),
      inputs: () => [separatedTensor(1, [3, 4], GAP)],
    },
  ],
  maxPool: [
    {
      name: '2, stride 2',
      fn: (x) => activation.maxPool(x!, 2, 2),
      inputs: () => [separatedTensor(1, [2, 4, 6, 2], GAP)],
      order: 1,
    },
    {
      name: '3, stride 2, windows that overlap',
      fn: (x) => activation.maxPool(x!, 3, 2),
      inputs: () => [separatedTensor(1, [2, 5, 7, 2], GAP)],
      order: 1,
    },
  ],
  averagePool: [
    {
      name: '3, stride 2',
      fn: (x) => arithmetic.square(activation.averagePool(x!, 3, 2)),
      inputs: () => [randomTensor(1, [2, 5, 7, 2])],
    },
    {
      name: '3, the same size',
      fn: (x) => arithmetic.square(activation.averagePool(x!, 3, 1, 'same')),
      inputs: () => [randomTensor(1, [2, 4, 3, 2])],
    },
  ],
};

const ARITHMETIC: Cases = {
  add: binary(arithmetic.add),
  addN: [
    {
      name: 'three terms',
      fn: (...terms) => arithmetic.square(arithmetic.addN(terms)),
      inputs: () => [1, 2, 3].map((seed) => randomTensor(seed, [2, 3])),
    },
    { name: 'one term', fn: (x) => arithmetic.addN([x!]), inputs: () => [randomTensor(1, [2, 3])] },
  ],
  subtract: binary(arithmetic.subtract),
  multiply: binary(arithmetic.multiply),
  affine: unary((x) => arithmetic.square(arithmetic.affine(x!, -2, 0.5))),
  scale: unary((x) => arithmetic.square(arithmetic.add(arithmetic.scale(x!, 3), arithmetic.scale(x!, 1)))),
  scaleBy: [
    {
      name: 'by image and channel',
      fn: arithmetic.scaleBy,
      inputs: () => [randomTensor(1, [2, 3, 2, 4]), randomTensor(2, [2, 1, 1, 4])],
    },
    {
      name: 'equal shapes',
      fn: arithmetic.scaleBy,
      inputs: () => [randomTensor(1, [2, 1, 1, 4]), randomTensor(2, [2, 1, 1, 4])],
    },
  ],
  sum: [
    ...unary((x) => arithmetic.sum(arithmetic.square(x!))),
    ...unary((x) => arithmetic.sum(arithmetic.square(x!), [1])),
  ],
  mean: [
    ...unary((x) => arithmetic.mean(arithmetic.square(x!))),
    ...unary((x) => arithmetic.mean(arithmetic.square(x!), [0])),
  ],
  broadcastTo: [
    {
      name: 'over two axes',
      fn: (x) => arithmetic.square(arithmetic.broadcastTo(x!, [2, 3, 2, 4])),
      inputs: () => [randomTensor(1, [2, 1, 1, 4])],
    },
    {
      name: 'to its own shape',
      fn: (x) => arithmetic.broadcastTo(x!, [2, 3]),
      inputs: () => [randomTensor(1, [2, 3])],
    },
  ],
  scalarOf: unary(
    (x) => arithmetic.scalarOf(arithmetic.square(x!)),
    () => randomTensor(1, [1, 1]),
  ),
  square: unary(arithmetic.square),
  sumOfSquares: [
    {
      name: 'over two axes of three',
      fn: (x) => arithmetic.sumOfSquares(x!, [0, 1]),
      inputs: () => [randomTensor(1, [2, 3, 2])],
    },
  ],
  sqrt: unary(arithmetic.sqrt, () => positive(1, [2, 3])),
  rsqrt: unary(arithmetic.rsqrt, () => uniformTensor(1, [2, 3], 1, 2)),
  log: unary(arithmetic.log, () => uniformTensor(1, [2, 3], 1, 2)),
  divide: binary(arithmetic.divide),
  abs: unary(
    (x) => arithmetic.multiply(arithmetic.abs(x!), x!),
    () => separatedTensor(1, [2, 3], GAP),
  ),
  softplus: unary(arithmetic.softplus),
  sigmoid: unary(arithmetic.sigmoid),
  matMul: [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({
      name: `transposed ${transposeA}, ${transposeB}`,
      fn: (a: tf.Tensor, b: tf.Tensor) => arithmetic.matMul(a, b, transposeA, transposeB),
      inputs: () => [
        randomTensor(1, transposeA ? [3, 2] : [2, 3]),
        randomTensor(2, transposeB ? [4, 3] : [3, 4]),
      ],
    })),
  ) as GradientCase[],
  reshape: unary((x) => arithmetic.square(arithmetic.reshape(x!, [3, 2, 1]))),
};

const image = (seed: number, channels: number): tf.Tensor => randomTensor(seed, [2, 5, 4, channels]);
const filter = (seed: number): tf.Tensor => randomTensor(seed, [3, 3, 2, 3]);
const GEOMETRIES = [
  { stride: 1, padding: [1, 1] },
  { stride: 2, padding: [0, 0] },
  { stride: 2, padding: [1, 0] },
] as const;
const outShape = (stride: number, extra: number): number[] => [
  2,
  Math.floor((5 + extra - 3) / stride) + 1,
  Math.floor((4 + extra - 3) / stride) + 1,
  3,
];
const CONVOLUTION: Cases = Object.fromEntries(
  Object.entries({
    conv2d: (geometry, _) => ({
      fn: (x, f) => convolution.conv2d(x!, f!, geometry),
      inputs: () => [image(1, 2), filter(2)],
    }),
    conv2dInputGradient: (geometry, out) => ({
      fn: (f, dy) => convolution.conv2dInputGradient([2, 5, 4, 2], f!, dy!, geometry),
      inputs: () => [filter(2), randomTensor(3, out)],
    }),
    conv2dFilterGradient: (geometry, out) => ({
      fn: (x, dy) => convolution.conv2dFilterGradient(x!, [3, 3, 2, 3], dy!, geometry),
      inputs: () => [image(1, 2), randomTensor(3, out)],
    }),
  } satisfies Record<
    string,
    (geometry: (typeof GEOMETRIES)[number], out: number[]) => Omit<GradientCase, 'name'>
  >).map(([name, make]) => [
    name,
    GEOMETRIES.map((geometry) => ({
      name: `stride ${geometry.stride}, padding ${geometry.padding}`,
      ...make(geometry, outShape(geometry.stride, geometry.padding[0] + geometry.padding[1])),
    })),
  ]),
);

const RESAMPLE: Cases = {
  blur: [
    {
      name: 'padding 2',
      fn: (x) => arithmetic.square(resample.blur(x!, [2, 2])),
      inputs: () => [image(1, 3)],
    },
    {
      name: 'padding 1, gain 4',
      fn: (x) => arithmetic.square(resample.blur(x!, [1, 1], 4)),
      inputs: () => [image(1, 3)],
    },
  ],
  downsample: [
    {
      name: 'even sides',
      fn: (x) => arithmetic.square(resample.downsample(x!)),
      inputs: () => [randomTensor(1, [2, 4, 6, 3])],
    },
  ],
  upsample: [
    {
      name: 'an image',
      fn: (x) => arithmetic.square(resample.upsample(x!)),
      inputs: () => [randomTensor(1, [2, 2, 3, 3])],
    },
  ],
};

const indices = (): tf.Tensor => tf.tensor1d([2, 0, 2], 'int32');
const SHAPE: Cases = {
  concat: [0, 1].map((axis) => ({
    name: `axis ${axis}`,
    fn: (...parts: tf.Tensor[]) => arithmetic.square(shape.concat(parts, axis)),
    inputs: () => [
      randomTensor(1, [2, 3]),
      randomTensor(2, axis === 0 ? [1, 3] : [2, 1]),
      randomTensor(3, [2, 3]),
    ],
  })),
  slice: unary(
    (x) => arithmetic.square(shape.slice(x!, [1, 0, 2], [2, 2, 1])),
    () => randomTensor(1, [3, 2, 4]),
  ),
  rows: [
    ...unary(
      (x) => arithmetic.square(shape.rows(x!, 1, 2)),
      () => randomTensor(1, [4, 3]),
    ),
    ...unary(
      (x) => shape.rows(x!, 0, 4),
      () => randomTensor(1, [4, 3]),
    ),
  ],
  pad: unary((x) =>
    arithmetic.square(
      shape.pad(x!, [
        [1, 0],
        [0, 2],
      ]),
    ),
  ),
  gatherRows: unary(
    (x) => arithmetic.square(shape.gatherRows(x!, indices())),
    () => randomTensor(1, [4, 3]),
  ),
  scatterRows: unary(
    (x) => arithmetic.square(shape.scatterRows(x!, indices(), 5)),
    () => randomTensor(1, [3, 2]),
  ),
};

/** One output of a recomputation of tensors that are all activations. */
const again = (fn: (...inputs: tf.Tensor[]) => tf.Tensor): Fn => {
  return (...inputs) => recomputing.recompute((activations) => [fn(...activations)], inputs)[0]!;
};
const RECOMPUTE: Cases = {
  after: [
    {
      name: 'itself',
      fn: (x, dependency) => arithmetic.square(recomputing.after(x!, [x!, dependency!])),
      inputs: () => [randomTensor(1, [2, 3]), randomTensor(2, [4])],
    },
  ],
  recompute: [
    {
      name: 'a product, then squared',
      fn: (a, b) =>
        arithmetic.square(again((x, y) => arithmetic.multiply(arithmetic.square(x!), y!))(a!, b!)),
      inputs: () => [randomTensor(1, [2, 3]), randomTensor(2, [2, 3])],
    },
    {
      name: 'a layer with image, filter and bias',
      fn: (x, f, b) =>
        recomputing.recompute(
          ([input], [weight, bias]) => [
            activation.biasLeakyRelu(convolution.conv2d(input!, weight!, GEOMETRIES[1]), bias!),
          ],
          [x!],
          [f!, b!],
        )[0]!,
      // Biases so large that no element is near the corner.
      inputs: () => [image(1, 2), filter(2), tf.tensor1d([40, -40, 40])],
    },
    {
      name: 'nested',
      fn: again((x, y) => {
        const inner = again((a, b) => arithmetic.sigmoid(arithmetic.multiply(a!, b!)));
        return arithmetic.multiply(inner(x!, y!), y!);
      }),
      inputs: () => [randomTensor(1, [2, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'two outputs, used unevenly, one of which leaves an input out',
      fn: (a, b) => {
        const [first, second] = recomputing.recompute(
          ([x, y]) => [arithmetic.multiply(x!, y!), arithmetic.square(x!)],
          [a!, b!],
        );
        return arithmetic.multiply(arithmetic.sigmoid(first!), arithmetic.add(first!, second!));
      },
      inputs: () => [randomTensor(1, [2, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'an output that nothing uses',
      fn: (a, b) =>
        recomputing.recompute(([x, y]) => [arithmetic.square(x!), arithmetic.multiply(x!, y!)], [a!, b!])[0]!,
      inputs: () => [randomTensor(1, [2, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'outputs that are inputs or each other',
      fn: (a, b) => {
        const [first, second, third] = recomputing.recompute(
          ([x, y]) => {
            const product = arithmetic.multiply(x!, y!);
            return [product, product, x!];
          },
          [a!, b!],
        );
        return arithmetic.multiply(arithmetic.multiply(first!, third!), arithmetic.add(second!, a!));
      },
      inputs: () => [randomTensor(1, [2, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'one tensor as several activations and parameters',
      fn: (x) =>
        recomputing.recompute(
          ([a, b], [c, d]) => [
            arithmetic.multiply(arithmetic.multiply(a!, b!), arithmetic.add(c!, arithmetic.square(d!))),
          ],
          [x!, x!],
          [x!, x!],
        )[0]!,
      inputs: () => [randomTensor(1, [2, 2])],
    },
  ],
};

/** Rows squared and multiplied by a matrix, and their sums, two rows at a time. */
const byTwo = (x: tf.Tensor, w: tf.Tensor): tf.Tensor[] =>
  microBatch.microBatched(
    ([rows], [weights]) => [
      arithmetic.matMul(arithmetic.square(rows!), weights!),
      arithmetic.sum(rows!, [1]),
    ],
    [x],
    [w],
    2,
  );

const MICRO_BATCH: Cases = {
  microBatched: [
    {
      name: 'parts of unequal size, a parameter that all share',
      fn: (x, w) => byTwo(x!, w!)[0]!,
      inputs: () => [randomTensor(1, [3, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'a batch of no more than maxRows rows',
      fn: (x, w) => byTwo(x!, w!)[0]!,
      inputs: () => [randomTensor(1, [2, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'outputs that meet again',
      fn: (x, w) => {
        const [products, sums] = byTwo(x!, w!);
        return arithmetic.scaleBy(products!, sums!);
      },
      inputs: () => [randomTensor(1, [4, 2]), randomTensor(2, [2, 2])],
    },
    {
      name: 'an output that leads to no parameter',
      fn: (x) => byTwo(x!, randomTensor(2, [2, 2]))[1]!,
      inputs: () => [randomTensor(1, [5, 2])],
    },
  ],
};

const functionsOf = (module: object): string[] =>
  Object.entries(module)
    .filter(([, value]) => typeof value === 'function')
    .map(([name]) => name)
    .sort();

describe.each([
  { file: 'activation', module: activation, cases: ACTIVATION, untested: [] },
  { file: 'arithmetic', module: arithmetic, cases: ARITHMETIC, untested: [] },
  { file: 'convolution', module: convolution, cases: CONVOLUTION, untested: ['sameGeometry'] },
  { file: 'micro-batch', module: microBatch, cases: MICRO_BATCH, untested: [] },
  { file: 'recompute', module: recomputing, cases: RECOMPUTE, untested: ['checkpointedPullback'] },
  { file: 'resample', module: resample, cases: RESAMPLE, untested: [] },
  { file: 'shape', module: shape, cases: SHAPE, untested: [] },
])('gradients of ops/$file', ({ module, cases, untested }) => {
  beforeAll(async () => {
    await loadEngine();
  });

  it('cover every operation', () => {
    expect([...Object.keys(cases), ...untested].sort()).toEqual(functionsOf(module));
  });

  it.each(
    Object.entries(cases).flatMap(([operation, list]) => list.map((entry) => ({ operation, ...entry }))),
  )('of $operation ($name) agree with finite differences', ({ fn, inputs, order = 3 }) =>
    checkGradients(fn, inputs(), order),
  );
});
