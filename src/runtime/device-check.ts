// Checks the operations of training on the device against plain JavaScript.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../base/errors.js';
import { type Arithmetic, capture, type HostValues, type Program } from './capture/capture.js';
import { convolutionSpeed, productSpeed } from './device-speed.js';
import { type ConvGeometry, kernels } from './kernels.js';
import { setTensorFloat32, tensorFloat32 } from './session.js';

interface ArithmeticTraits {
  /**
   * The largest error that a result may have, relative to its largest number. Factors have 24, 11 or 8 bits, and the sums
   * here have a few hundred terms.
   */
  tolerance: number;
  /** Whether it applies to matrix products, which otherwise stay float32. */
  products: boolean;
}

const ARITHMETICS: Readonly<Record<Arithmetic, ArithmeticTraits>> = {
  float32: { tolerance: 2e-5, products: true },
  tf32: { tolerance: 4e-3, products: true },
  bfloat16: { tolerance: 2e-2, products: false },
};

/** The result of checking one operation. */
export interface PartCheck {
  name: string;
  ok: boolean;
  /** Largest difference from JavaScript's result, relative to its largest number; null if the operation throws. */
  error: number | null;
  /** Message of the error that the operation throws; null if it throws none. */
  problem: string | null;
}

export interface ArithmeticCheck {
  arithmetic: Arithmetic;
  ok: boolean;
  tolerance: number;
  parts: PartCheck[];
  /** Speed of a large matrix product and of a 3x3 convolution, FLOP/s; null if it fails or stays float32. */
  productFlops: number | null;
  convolutionFlops: number | null;
}

/** Numbers in [-1, 1] without a pattern. */
function numbers(count: number, offset: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(1 + offset + 1.7 * i + 0.01 * i * i));
}

const ROWS = 24;
const INNER = 40;
const COLUMNS = 32;
const SIDE = 9;
/** Input channels, enough for convolutions to run in bfloat16. */
const IN = 16;
const OUT = 24;
const SAME: ConvGeometry = { stride: 1, padding: [1, 1] };
const SHAPES = {
  a: [ROWS, INNER],
  b: [INNER, COLUMNS],
  x: [1, SIDE, SIDE, IN],
  filter: [3, 3, IN, OUT],
  dy: [1, SIDE, SIDE, OUT],
} as const;
type InputName = keyof typeof SHAPES;

const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function inputValues(): Record<InputName, Float32Array> {
  const entries = Object.entries(SHAPES).map(([name, shape], i) => [name, numbers(countOf(shape), 11 * i)]);
  return Object.fromEntries(entries) as Record<InputName, Float32Array>;
}

/** Computes `a` times `b` in double precision. */
function plainProduct({ a, b }: Record<InputName, Float32Array>): Float64Array {
  const result = new Float64Array(ROWS * COLUMNS);
  for (let i = 0; i < result.length; i++) {
    const row = Math.floor(i / COLUMNS) * INNER;
    for (let k = 0; k < INNER; k++) result[i]! += a[row + k]! * b[k * COLUMNS + (i % COLUMNS)]!;
  }
  return result;
}

/** Computes a convolution of `x` by `filter` and its gradients for `dy`, in double precision. */
function plainConvolution({ x, filter, dy }: Record<InputName, Float32Array>) {
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dfilter = new Float64Array(filter.length);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    for (let tap = 0; tap < 9; tap++) {
      const row = Math.floor(pixel / SIDE) + Math.floor(tap / 3) - 1;
      const column = (pixel % SIDE) + (tap % 3) - 1;
      if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) continue;
      for (let j = 0; j < IN * OUT; j++) {
        const from = (row * SIDE + column) * IN + Math.floor(j / OUT);
        const to = pixel * OUT + (j % OUT);
        const weight = tap * IN * OUT + j;
        y[to]! += x[from]! * filter[weight]!;
        dx[from]! += dy[to]! * filter[weight]!;
        dfilter[weight]! += dy[to]! * x[from]!;
      }
    }
  }
  return { y, dx, dfilter };
}

/** Sums `x` over its pixels, in double precision. */
function plainSums({ x }: Record<InputName, Float32Array>): Float64Array {
  const sums = new Float64Array(IN);
  for (const [i, value] of x.entries()) sums[i % IN]! += value;
  return sums;
}

type Inputs = Readonly<Record<string, Tensor>>;

/** The operations to check by name, with the kernel call and the expected result of each. */
function partsOf(values: Record<InputName, Float32Array>) {
  const convolution = plainConvolution(values);
  const parts: Record<string, { compute: (inputs: Inputs) => Tensor; expected: Float64Array }> = {
    'a matrix product': {
      compute: ({ a, b }) => kernels().matMul(a!, b!, false, false),
      expected: plainProduct(values),
    },
    'a convolution': {
      compute: ({ x, filter }) => kernels().conv2d(x!, filter!, SAME),
      expected: convolution.y,
    },
    "a convolution's input gradient": {
      compute: ({ filter, dy }) => kernels().conv2dInputGradient([...SHAPES.x], filter!, dy!, SAME),
      expected: convolution.dx,
    },
    "a convolution's filter gradient": {
      compute: ({ x, dy }) => kernels().conv2dFilterGradient(x!, [...SHAPES.filter], dy!, SAME),
      expected: convolution.dfilter,
    },
    'a sum': { compute: ({ x }) => kernels().sum(x!, [0, 1, 2], false), expected: plainSums(values) },
  };
  return parts;
}

/** The largest error relative to the largest expected number; NaN, which exceeds every tolerance, if a result is NaN. */
function errorOf(actual: HostValues, expected: Float64Array): number {
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return expected.reduce((max, value, i) => Math.max(max, Math.abs(actual[i]! - value) / largest), 0);
}

function checkPart(
  name: string,
  tolerance: number,
  expected: Float64Array,
  compute: () => HostValues,
): PartCheck {
  try {
    const error = errorOf(compute(), expected);
    return { name, ok: error <= tolerance, error, problem: null };
  } catch (error) {
    return { name, ok: false, error: null, problem: messageOf(error).trim().split('\n', 1)[0]! };
  }
}

/** Runs a function kernel by kernel. */
function runEagerly(
  compute: (inputs: Inputs) => Tensor,
  values: Record<InputName, Float32Array>,
): HostValues {
  return tf.tidy(() => {
    const inputs = Object.entries(SHAPES).map(([name, shape]) => [
      name,
      tf.tensor(values[name as InputName], [...shape]),
    ]);
    return compute(Object.fromEntries(inputs) as Inputs).dataSync<'float32'>();
  });
}

/** Runs a function as a captured program that reads `x` from a variable and is fed the other tensors. */
function runCaptured(
  compute: (inputs: Inputs) => Tensor,
  values: Record<InputName, Float32Array>,
  arithmetic: Arithmetic,
): HostValues {
  const specs = Object.entries(SHAPES).map(([name, shape]) => [name, { shape, dtype: 'float32' }] as const);
  const inputs = Object.fromEntries(specs.filter(([name]) => name !== 'x'));
  const program: Program = {
    inputs,
    run: ({ x }, fed) => ({ outputs: { result: compute({ ...fed, x: x! }) } }),
  };
  const { x, ...fedValues } = values;
  const programs = capture({ program }, { x: { shape: SHAPES.x, dtype: 'float32' } }, { arithmetic });
  try {
    programs.write({ x });
    return programs.run('program', fedValues).result!;
  } finally {
    programs.dispose();
  }
}

/**
 * Checks the loaded engine in each arithmetic. A product, a convolution, its gradients and a sum run as captured programs
 * with a variable, in float32 also kernel by kernel; then measures the speed of a large product and convolution. Takes one
 * or two seconds on a processor, and a few on a GPU, which chooses its algorithms first.
 */
export function checkDevice(arithmetics: readonly Arithmetic[]): ArithmeticCheck[] {
  const values = inputValues();
  const entries = Object.entries(partsOf(values));
  return arithmetics.map((arithmetic) => {
    const { tolerance, products } = ARITHMETICS[arithmetic];
    const before = tensorFloat32();
    setTensorFloat32(arithmetic === 'tf32');
    const parts: PartCheck[] = [];
    for (const [name, { compute, expected }] of entries) {
      if (arithmetic === 'float32')
        parts.push(checkPart(name, tolerance, expected, () => runEagerly(compute, values)));
      const run = () => runCaptured(compute, values, arithmetic);
      parts.push(checkPart(`${name}, captured`, tolerance, expected, run));
    }
    const ok = parts.every((part) => part.ok);
    const productFlops = products ? productSpeed(arithmetic) : null;
    const convolutionFlops = convolutionSpeed(arithmetic);
    setTensorFloat32(before);
    return { arithmetic, ok, tolerance, parts, productFlops, convolutionFlops };
  });
}
