// Decides which operations of a captured program compute in bfloat16, and the type of their results.
import { DT_BFLOAT16, DT_FLOAT } from '../data-types.js';
import type { TensorInfo } from './shape-rules.js';

/**
 * The type of the factors in convolutions. Sums, weights, statistics and losses stay float32. Programs for `tf32` are
 * recorded as for float32: the engine does the rest (`setTensorFloat32`).
 */
export type Arithmetic = 'float32' | 'tf32' | 'bfloat16';

/** The type of feature maps between convolutions that multiply in bfloat16. */
export type Activations = 'float32' | 'bfloat16';

export interface Precision {
  arithmetic?: Arithmetic;
  activations?: Activations;
}

/** A tensor that looks like float32 or int32 to the recorded function, with the type in which its values are stored. */
export interface StoredTensor extends TensorInfo {
  storage: number;
}

const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);
/** Convolutions from or to fewer channels (images, logits) would lose precision in bfloat16 and gain nothing. */
const MIN_BFLOAT16_CHANNELS = 16;

type Condition = (inputs: readonly StoredTensor[], output: TensorInfo) => boolean;

const isRounded = ({ storage }: StoredTensor): boolean => storage === DT_BFLOAT16;

const ifRounded =
  (index: number): Condition =>
  (inputs) =>
    isRounded(inputs[index]!);

const ifAllRounded: Condition = (inputs) =>
  inputs.every((input) => input.dtype !== DT_FLOAT || isRounded(input));

/** Whether an operand is the same at all pixels, such as a scale for each image and channel, or a scalar. */
function isSpatiallyConstant({ shape }: TensorInfo, rank: number): boolean {
  const aligned = [...Array<number>(rank - shape.length).fill(1), ...shape];
  return aligned.slice(1, -1).every((size) => size === 1);
}

/**
 * All operands as large as the result must be bfloat16 already: one that is float32 is so for a reason (LPIPS). An operand
 * that is the same at all pixels is rounded, which is one error in a scale and not noise.
 */
const elementwise: Condition = (inputs, { shape }) => {
  const isFull = (input: TensorInfo) => input.shape.join() === shape.join();
  return (
    inputs.some(isFull) &&
    inputs.every((input) => (isFull(input) ? isRounded(input) : isSpatiallyConstant(input, shape.length)))
  );
};

/**
 * Operations other than convolutions that are safe in bfloat16 and have a kernel for it on CPU and GPU
 * (TF_GetRegisteredKernelsForOp of TensorFlow 2.21), each with the condition on its inputs. Reductions are missing,
 * because on a GPU Sum and the last stage of BiasAddGrad add in bfloat16.
 */
const CONDITIONS: Readonly<Record<string, Condition>> = {
  BiasAdd: ifRounded(0),
  LeakyRelu: ifRounded(0),
  // The activation decides, whatever the type of the incoming gradient.
  LeakyReluGrad: ifRounded(1),
  MaxPool: ifRounded(0),
  MaxPoolGrad: ifRounded(0),
  AvgPool: ifRounded(0),
  AvgPoolGrad: ifRounded(1),
  DepthwiseConv2dNative: ifRounded(0),
  DepthwiseConv2dNativeBackpropInput: ifRounded(2),
  AddN: ifAllRounded,
  AddV2: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  // These only move values, so the type stays the same.
  ConcatV2: ifAllRounded,
  BroadcastTo: ifRounded(0),
  GatherV2: ifRounded(0),
  Identity: ifRounded(0),
  Pad: ifRounded(0),
  Reshape: ifRounded(0),
  Slice: ifRounded(0),
  SplitV: ifRounded(0),
};

/** Operations other than convolutions that may be recorded in bfloat16. */
export const BFLOAT16_OPERATIONS: readonly string[] = Object.keys(CONDITIONS);

/** The attribute that names the type of an operation's values. */
export function typeAttribute(op: string): string {
  return op === 'GatherV2' ? 'Tparams' : 'T';
}

/** The types in which an operation is recorded. */
export interface OperationTypes {
  /** The type of its float inputs. */
  compute: number;
  /** The type of its stored results; a cast follows if it differs from `compute`. */
  store: number;
}

const FLOAT32: OperationTypes = { compute: DT_FLOAT, store: DT_FLOAT };
const BFLOAT16: OperationTypes = { compute: DT_BFLOAT16, store: DT_BFLOAT16 };

/** The types of a recorded operation. @param output its first output. */
export function operationTypes(
  op: string,
  inputs: readonly StoredTensor[],
  output: TensorInfo,
  { arithmetic = 'float32', activations = 'float32' }: Precision,
): OperationTypes {
  if (arithmetic !== 'bfloat16') return FLOAT32;
  const keepsBfloat16 = activations === 'bfloat16';
  if (!CONVOLUTIONS.has(op))
    return keepsBfloat16 && CONDITIONS[op]?.(inputs, output) === true ? BFLOAT16 : FLOAT32;
  const filter = op === 'Conv2DBackpropFilter' ? output : inputs[1]!;
  const isWide = filter.shape.slice(2).every((channels) => channels >= MIN_BFLOAT16_CHANNELS);
  // Gradients of weights are summed and used in float32; every other result with many channels is a feature map.
  const isFeatureMap = op !== 'Conv2DBackpropFilter' && output.shape.at(-1)! >= MIN_BFLOAT16_CHANNELS;
  return {
    compute: isWide ? DT_BFLOAT16 : DT_FLOAT,
    store: keepsBfloat16 && isFeatureMap ? DT_BFLOAT16 : DT_FLOAT,
  };
}
