import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BFLOAT16_OPERATIONS,
  operationTypes,
  type Precision,
  type StoredTensor,
  typeAttribute,
} from '../../../src/runtime/capture/mixed-precision.js';
import { outputInfos, type TensorInfo } from '../../../src/runtime/capture/shape-rules.js';
import { DT_BFLOAT16, DT_FLOAT, DT_INT32, typeCode } from '../../../src/runtime/data-types.js';
import { addonAttributes, eagerExecutor } from '../../../src/runtime/eager-executor.js';
import type { Attributes, Executor } from '../../../src/runtime/executor.js';
import { type Kernels, kernels, withKernels } from '../../../src/runtime/kernels.js';
import { nativeKernels } from '../../../src/runtime/native-kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { tensorflowBackend } from '../../../src/runtime/tensorflow-backend.js';
import { relativeError } from '../../support/reference.js';
import { randomTensor } from '../../support/tensors.js';

const PRODUCTS: Precision = { arithmetic: 'bfloat16' };
const KEPT: Precision = { arithmetic: 'bfloat16', activations: 'bfloat16' };
const IN_FLOAT32 = { compute: DT_FLOAT, store: DT_FLOAT };
const IN_BFLOAT16 = { compute: DT_BFLOAT16, store: DT_BFLOAT16 };

const exact = (...shape: number[]): StoredTensor => ({ shape, dtype: DT_FLOAT, storage: DT_FLOAT });
const rounded = (...shape: number[]): StoredTensor => ({ shape, dtype: DT_FLOAT, storage: DT_BFLOAT16 });
const whole = (...shape: number[]): StoredTensor => ({ shape, dtype: DT_INT32, storage: DT_INT32 });
const output = (...shape: number[]): TensorInfo => ({ shape, dtype: DT_FLOAT });

describe('the types of convolutions', () => {
  const map = [2, 8, 8, 32];
  const wide = { inputs: [exact(...map), exact(3, 3, 32, 16)], result: output(2, 8, 8, 16) };

  it('are float32 unless the arithmetic is bfloat16', () => {
    for (const precision of [{}, { arithmetic: 'float32' }, { activations: 'bfloat16' }] as Precision[])
      expect(operationTypes('Conv2D', wide.inputs, wide.result, precision)).toEqual(IN_FLOAT32);
  });

  it('are bfloat16 for 16 channels and more, with results that are cast back or kept', () => {
    const types = (precision: Precision) => operationTypes('Conv2D', wide.inputs, wide.result, precision);
    expect(types(PRODUCTS)).toEqual({ compute: DT_BFLOAT16, store: DT_FLOAT });
    expect(types(KEPT)).toEqual(IN_BFLOAT16);
    const back = [whole(4), exact(3, 3, 32, 16), rounded(2, 8, 8, 16)];
    expect(operationTypes('Conv2DBackpropInput', back, output(...map), KEPT)).toEqual(IN_BFLOAT16);
  });

  it('are float32 for the results of weight gradients', () => {
    const inputs = [rounded(...map), whole(4), rounded(2, 8, 8, 16)];
    for (const precision of [PRODUCTS, KEPT])
      expect(operationTypes('Conv2DBackpropFilter', inputs, output(3, 3, 32, 16), precision)).toEqual({
        compute: DT_BFLOAT16,
        store: DT_FLOAT,
      });
  });

  it('are float32 for images, with features that are kept in bfloat16', () => {
    const types = (op: string, inputs: StoredTensor[], result: TensorInfo) =>
      operationTypes(op, inputs, result, KEPT);
    const image = [2, 8, 8, 3];
    expect(types('Conv2D', [exact(...image), exact(1, 1, 3, 32)], output(...map))).toEqual({
      compute: DT_FLOAT,
      store: DT_BFLOAT16,
    });
    expect(types('Conv2D', [rounded(...map), exact(1, 1, 32, 3)], output(...image))).toEqual(IN_FLOAT32);
    expect(
      types('Conv2DBackpropFilter', [rounded(...map), whole(4), exact(...image)], output(1, 1, 32, 3)),
    ).toEqual(IN_FLOAT32);
  });
});

describe('the types of other operations', () => {
  const map = [2, 8, 8, 16];
  const types = (op: string, inputs: StoredTensor[], result: number[] = map, precision: Precision = KEPT) =>
    operationTypes(op, inputs, output(...result), precision);

  it('are float32 unless activations are kept in bfloat16', () => {
    for (const op of BFLOAT16_OPERATIONS)
      expect(types(op, [rounded(...map), rounded(...map), rounded(...map)], map, PRODUCTS)).toEqual(
        IN_FLOAT32,
      );
  });

  it('are float32 for reductions, matrix products, roots and quotients', () => {
    for (const op of ['Sum', 'Mean', 'BiasAddGrad', 'MatMul', 'Square', 'Sqrt', 'RealDiv', 'Abs'])
      expect(types(op, [rounded(...map), rounded(...map)])).toEqual(IN_FLOAT32);
  });

  it('follow the feature map through bias, activation, blur and pooling', () => {
    for (const [op, inputs] of [
      ['BiasAdd', [rounded(...map), exact(16)]],
      ['LeakyRelu', [rounded(...map)]],
      ['DepthwiseConv2dNative', [rounded(...map), exact(4, 4, 16, 1)]],
      ['DepthwiseConv2dNativeBackpropInput', [whole(4), exact(4, 4, 16, 1), rounded(...map)]],
      ['AvgPoolGrad', [whole(4), rounded(...map)]],
      ['Identity', [rounded(...map)]],
    ] as const) {
      expect(types(op, [...inputs])).toEqual(IN_BFLOAT16);
      const unrounded = inputs.map((input) => ({ ...input, storage: input.dtype }));
      expect(types(op, unrounded)).toEqual(IN_FLOAT32);
    }
  });

  it("follow the activation in its gradient, whatever the loss's type", () => {
    expect(types('LeakyReluGrad', [exact(...map), rounded(...map)])).toEqual(IN_BFLOAT16);
    expect(types('LeakyReluGrad', [rounded(...map), exact(...map)])).toEqual(IN_FLOAT32);
    expect(types('MaxPoolGrad', [rounded(...map), rounded(2, 4, 4, 16), exact(2, 4, 4, 16)])).toEqual(
      IN_BFLOAT16,
    );
  });

  it('are bfloat16 for elementwise operations if all operands of full size are', () => {
    for (const op of ['AddV2', 'Sub', 'Mul', 'AddN', 'ConcatV2']) {
      expect(types(op, [rounded(...map), rounded(...map)])).toEqual(IN_BFLOAT16);
      expect(types(op, [rounded(...map), exact(...map)])).toEqual(IN_FLOAT32);
    }
  });

  it('are bfloat16 with a float32 scale only if the scale is the same at all pixels', () => {
    for (const scale of [exact(2, 1, 1, 16), exact(), exact(16), exact(2, 1, 1, 1)]) {
      expect(types('Mul', [rounded(...map), scale])).toEqual(IN_BFLOAT16);
      expect(types('Mul', [scale, rounded(...map)])).toEqual(IN_BFLOAT16);
    }
    for (const scale of [exact(2, 8, 8, 1), exact(8, 1), exact(1, 8, 1, 16)])
      expect(types('Mul', [rounded(...map), scale])).toEqual(IN_FLOAT32);
    // Neither is as large as the result.
    expect(types('Mul', [exact(2, 1, 1, 16), exact(16)], [2, 1, 1, 16])).toEqual(IN_FLOAT32);
  });
});

/** Runs one operation of `fn` in bfloat16 between casts, and checks its shape rule against the result of the kernel. */
function inBfloat16(name: string, fn: (k: Kernels) => Tensor): Tensor {
  const backend = tensorflowBackend('The test');
  const eager = eagerExecutor(backend);
  const { binding } = backend;
  const toAddon = addonAttributes(binding);
  let runs = 0;
  const cast = (id: number, from: number, to: number): number => {
    const types: Attributes = { SrcT: { kind: 'type', value: from }, DstT: { kind: 'type', value: to } };
    const attributes = toAddon({ ...types, Truncate: { kind: 'bool', value: false } });
    return binding.executeOp('Cast', attributes, [id], 1)[0]!.id;
  };
  const execute: Executor['execute'] = (op, inputs, attributes, outputs) => {
    if (op !== name) return eager.execute(op, inputs, attributes, outputs);
    runs++;
    const typed: Attributes = { ...attributes, [typeAttribute(op)]: { kind: 'type', value: DT_BFLOAT16 } };
    const given = inputs.map((tensor) => {
      const dtype = typeCode(tensor.dtype);
      const values = tensor.dataSync<'float32' | 'int32'>();
      const id = binding.createTensor(tensor.shape, dtype, values);
      if (dtype !== DT_FLOAT) return { id, info: { shape: tensor.shape, dtype, values } };
      return { id: cast(id, DT_FLOAT, DT_BFLOAT16), info: { shape: tensor.shape, dtype: DT_BFLOAT16 } };
    });
    const ids = given.map(({ id }) => id);
    const results = binding.executeOp(op, toAddon(typed), ids, outputs);
    const predicted = outputInfos({ op, inputs: given.map(({ info }) => info), attributes: typed, outputs });
    expect(predicted).toEqual(results.map(({ shape, dtype }) => ({ shape: [...shape], dtype })));
    expect(results.every(({ dtype }) => dtype === DT_BFLOAT16)).toBe(true);
    return results.map(({ id, shape }) =>
      tf.tensor(binding.tensorDataSync(cast(id, DT_BFLOAT16, DT_FLOAT)) as Float32Array, shape),
    );
  };
  const after: Executor['after'] = (x) =>
    execute('Identity', [x], { T: { kind: 'type', value: typeCode(x.dtype) } }, 1)[0]!;
  const result = withKernels(nativeKernels({ ...eager, execute, after }), () => fn(kernels()));
  expect(runs, `${name} ran`).toBeGreaterThan(0);
  return result;
}

const features = (seed = 1) => randomTensor(seed, [2, 9, 7, 16]);
const geometry = { stride: 2, padding: [1, 1] } as const;
const filter = () => randomTensor(3, [3, 3, 16, 24]);
const blurFilter = () => randomTensor(4, [4, 4, 16, 1]);
const joined = (parts: readonly Tensor[]) => kernels().concat(parts, 0);

const CASES: Record<string, (k: Kernels) => Tensor> = {
  Conv2D: (k) => k.conv2d(features(), filter(), geometry),
  Conv2DBackpropInput: (k) =>
    k.conv2dInputGradient([2, 9, 7, 16], filter(), randomTensor(2, [2, 5, 4, 24]), geometry),
  Conv2DBackpropFilter: (k) =>
    k.conv2dFilterGradient(features(), [3, 3, 16, 24], randomTensor(2, [2, 5, 4, 24]), geometry),
  DepthwiseConv2dNative: (k) => k.depthwise(features(), blurFilter(), geometry),
  DepthwiseConv2dNativeBackpropInput: (k) =>
    k.depthwiseInputGradient([2, 9, 7, 16], blurFilter(), randomTensor(2, [2, 4, 3, 16]), geometry),
  BiasAdd: (k) => k.addBias(features(), randomTensor(2, [16])),
  LeakyRelu: (k) => k.leakyRelu(features(), 0.2),
  LeakyReluGrad: (k) => k.leakyReluGradient(features(1), features(2), 0.2),
  MaxPool: (k) => k.maxPool(features(), 2, 2),
  // Multiples of a quarter: rounding leaves the largest of a window the largest.
  MaxPoolGrad: (k) => {
    const x = tf.tensor4d(
      Array.from({ length: 64 }, (_, i) => ((i * 5) % 64) / 4),
      [1, 8, 8, 1],
    );
    return k.maxPoolGradient(randomTensor(2, [1, 4, 4, 1]), x, k.maxPool(x, 2, 2), 2, 2);
  },
  AvgPool: (k) => k.averagePool(features(), 3, 2, 'same'),
  AvgPoolGrad: (k) => k.averagePoolGradient([2, 9, 7, 16], randomTensor(2, [2, 5, 4, 16]), 3, 2, 'same'),
  AddN: (k) => k.addN([features(1), features(2), features(3)]),
  AddV2: (k) => k.add(features(1), features(2)),
  Sub: (k) => k.subtract(features(1), features(2)),
  Mul: (k) => k.multiply(features(), randomTensor(2, [2, 1, 1, 16])),
  ConcatV2: () => joined([features(1), features(2)]),
  BroadcastTo: (k) => k.broadcastTo(randomTensor(1, [2, 1, 1, 16]), [2, 3, 5, 16]),
  GatherV2: (k) => k.gatherRows(features(), tf.tensor1d([1, 0, 1], 'int32')),
  Identity: (k) => k.after(features(), []),
  Pad: (k) =>
    k.pad(features(), [
      [0, 1],
      [2, 0],
      [1, 1],
      [0, 2],
    ]),
  Reshape: (k) => k.reshape(features(), [2, 63 * 16]),
  Slice: (k) => k.slice(features(), [1, 2, 0, 1], [1, 3, 6, 2]),
  SplitV: (k) => joined(k.split(features(), [1, 1])),
};

describe('a kernel in bfloat16', () => {
  beforeAll(async () => {
    await loadEngine();
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('is tested for every operation that may be recorded in bfloat16', () => {
    const convolutions = Object.keys(CASES).filter((op) => op.startsWith('Conv2D'));
    expect(Object.keys(CASES).sort()).toEqual([...BFLOAT16_OPERATIONS, ...convolutions].sort());
  });

  it.each(Object.entries(CASES))(
    '%s: has the shape and type of its rule, and values close to those of float32',
    (op, fn) => {
      const found = inBfloat16(op, fn);
      const expected = fn(kernels());
      expect(found.shape).toEqual(expected.shape);
      // Numbers have 8 bits: errors of 0.004 are normal. Gradients of convolutions with stride 2, which the CPU sums in
      // bfloat16, are off by 0.011.
      const error = relativeError(found.dataSync(), expected.dataSync());
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(0.02);
    },
  );
});
