// The interface of the kernels that networks are made of, and the choice between its implementations.
import type { Tensor } from '@tensorflow/tfjs-core';
import { portableKernels } from './portable-kernels.js';

/** Zeros before (top or left) and after (bottom or right) an image, px. */
export type Padding = readonly [before: number, after: number];

/** Geometry of a convolution: square stride, and zero padding of each border in px. */
export interface ConvGeometry {
  stride: number;
  /** Padding of top and bottom, and of left and right unless `sidePadding` is given. */
  padding: Padding;
  /** Padding of left and right. */
  sidePadding?: Padding;
}

/** Zero padding by axis. */
export function paddingOf({ padding, sidePadding }: ConvGeometry): { rows: Padding; columns: Padding } {
  return { rows: padding, columns: sidePadding ?? padding };
}

/** Whether there is any padding. */
export function isPadded(geometry: ConvGeometry): boolean {
  const { rows, columns } = paddingOf(geometry);
  return [...rows, ...columns].some((zeros) => zeros !== 0);
}

/** Position of pooling windows: inside the image, or (same, stride 1) around every pixel, ignoring pixels outside. */
export type PoolScheme = 'valid' | 'same';

/**
 * The operations that networks are made of, on plain tensors without gradients. `native-kernels.ts` calls TensorFlow's
 * kernels by name, `portable-kernels.ts` uses operations of every tfjs backend, and `src/export/onnx/onnx-kernels.ts` writes
 * those of the generators down as ONNX nodes; tests compare them. Tensors are NHWC, filters HWIO. Every function returns a new tensor, which the caller has to free.
 */
export interface Kernels {
  readonly name: 'native' | 'portable' | 'onnx';
  /** `[n, h, w, i] * [k, l, i, o] -> [n, h', w', o]`. */
  conv2d(x: Tensor, filter: Tensor, geometry: ConvGeometry): Tensor;
  /** Adjoint of `conv2d` in its input, which is also the transposed convolution. */
  conv2dInputGradient(inputShape: number[], filter: Tensor, dy: Tensor, geometry: ConvGeometry): Tensor;
  /** Adjoint of `conv2d` in its filter. */
  conv2dFilterGradient(x: Tensor, filterShape: number[], dy: Tensor, geometry: ConvGeometry): Tensor;
  /** Convolves every channel with its own filter: `[n, h, w, c] * [k, k, c, 1]`. */
  depthwise(x: Tensor, filter: Tensor, geometry: ConvGeometry): Tensor;
  /** Adjoint of `depthwise` in its input. */
  depthwiseInputGradient(inputShape: number[], filter: Tensor, dy: Tensor, geometry: ConvGeometry): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  /** `x + bias` over the last axis, then leaky ReLU with the given slope; `x` has two axes or more. */
  biasLeakyRelu(x: Tensor, bias: Tensor, slope: number): Tensor;
  leakyRelu(x: Tensor, slope: number): Tensor;
  /** `dy` where `y > 0`, `slope * dy` elsewhere; `y` may be the activation's input or its output. */
  leakyReluGradient(dy: Tensor, y: Tensor, slope: number): Tensor;
  /** `x + bias` over the last axis; `x` has two axes or more. */
  addBias(x: Tensor, bias: Tensor): Tensor;
  /** Sums over all axes but the last; `dy` has two axes or more. */
  sumToLastAxis(dy: Tensor): Tensor;
  maxPool(x: Tensor, size: number, stride: number): Tensor;
  maxPoolGradient(dy: Tensor, x: Tensor, y: Tensor, size: number, stride: number): Tensor;
  /** Mean of every window. */
  averagePool(x: Tensor, size: number, stride: number, scheme: PoolScheme): Tensor;
  /** Adjoint of `averagePool`. */
  averagePoolGradient(
    inputShape: number[],
    dy: Tensor,
    size: number,
    stride: number,
    scheme: PoolScheme,
  ): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  addN(terms: readonly Tensor[]): Tensor;
  subtract(a: Tensor, b: Tensor): Tensor;
  /** Elementwise, with broadcasting. */
  multiply(a: Tensor, b: Tensor): Tensor;
  /** `x * factor + offset`, both plain numbers. */
  affine(x: Tensor, factor: number, offset: number): Tensor;
  divide(a: Tensor, b: Tensor): Tensor;
  square(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  /** Natural logarithm. */
  log(x: Tensor): Tensor;
  abs(x: Tensor): Tensor;
  /** Rounds down to whole numbers. */
  floor(x: Tensor): Tensor;
  /** Converts whole float32 numbers to int32. */
  toInt32(x: Tensor): Tensor;
  sign(x: Tensor): Tensor;
  softplus(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  sum(x: Tensor, axes: number[], keepDims: boolean): Tensor;
  mean(x: Tensor, axes: number[], keepDims: boolean): Tensor;
  broadcastTo(x: Tensor, shape: number[]): Tensor;
  fill(shape: number[], value: number): Tensor;
  reshape(x: Tensor, shape: number[]): Tensor;
  /** Joins two tensors or more. */
  concat(tensors: readonly Tensor[], axis: number): Tensor;
  slice(x: Tensor, begin: number[], size: number[]): Tensor;
  /** Pads with zeros; `paddings[i]` is before and after axis i. */
  pad(x: Tensor, paddings: [number, number][]): Tensor;
  /** Splits a vector into vectors of the given lengths. */
  split(x: Tensor, sizes: number[]): Tensor[];
  /** Rows of `x` by index (int32 vector). */
  gatherRows(x: Tensor, indices: Tensor): Tensor;
  /** Adjoint of `gatherRows`. */
  scatterRows(dy: Tensor, indices: Tensor, rows: number): Tensor;
  /**
   * The values of `x`, available only after all `dependencies`: in a captured program, operations on the result wait and
   * take no memory meanwhile. Kernel by kernel, operations run in the order of the calls, and nothing is copied.
   */
  after(x: Tensor, dependencies: readonly Tensor[]): Tensor;
  /**
   * The averages of float32 tensors over all ranks of the engine's world. Every rank makes the same calls in the same order.
   *
   * @param bytes size from which a transfer takes no further tensor, because each transfer has a cost of its own; by default one
   *   takes all. In a captured program, tensors that are ready one after another travel together, and the first ones travel
   *   while the others are computed.
   */
  allReduce(tensors: readonly Tensor[], bytes?: number): Tensor[];
}

let active: Kernels = portableKernels;

/** The kernels in use. */
export function kernels(): Kernels {
  return active;
}

/** Sets the kernels to use. The platform's set-up (`node.ts`, `web.ts`) calls this once; tests switch to compare. */
export function useKernels(implementation: Kernels): void {
  active = implementation;
}

/** Calls a function with other kernels in use, and puts the earlier ones back, even if it throws. */
export function withKernels<T>(implementation: Kernels, fn: () => T): T {
  const before = active;
  useKernels(implementation);
  try {
    return fn();
  } finally {
    useKernels(before);
  }
}
