// Which operations of a captured program compute in bfloat16, and in which type their results are kept.
import { DT_BFLOAT16, DT_FLOAT, type TensorInfo } from './shape-rules.js';

/**
 * What convolutions multiply in. They sum in float32, and weights, statistics and losses stay float32. `tf32` is the engine's
 * affair (`setTensorFloat32`): programs are recorded as for float32.
 */
export type Arithmetic = 'float32' | 'tf32' | 'bfloat16';

/** What feature maps are kept in between convolutions that multiply in bfloat16. */
export type Activations = 'float32' | 'bfloat16';

export interface Precision {
  arithmetic?: Arithmetic;
  activations?: Activations;
}

/** A tensor that looks like float32 or int32 to the recorded function, with the type that its values are stored in. */
export interface StoredTensor extends TensorInfo {
  storage: number;
}

const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);
/** Convolutions from or to fewer channels (images, logits) gain nothing from bfloat16, and would lose precision. */
const MIN_BFLOAT16_CHANNELS = 16;

type Condition = (inputs: readonly StoredTensor[], output: TensorInfo) => boolean;

const isRounded = ({ storage }: StoredTensor): boolean => storage === DT_BFLOAT16;

const ifRounded =
  (index: number): Condition =>
  (inputs) =>
    isRounded(inputs[index]!);

const ifAllRounded: Condition = (inputs) =>
  inputs.every((input) => input.dtype !== DT_FLOAT || isRounded(input));

/** Whether a factor or offset is the same at all pixels, such as a scale for each image and channel, or a number. */
function isSpatiallyConstant({ shape }: TensorInfo, rank: number): boolean {
  const aligned = [...Array<number>(rank - shape.length).fill(1), ...shape];
  return aligned.slice(1, -1).every((size) => size === 1);
}

/**
 * Operands as large as the result have to be in bfloat16 already, all of them; a float32 one among them is the more
 * precise for a reason (LPIPS). What is the same at all pixels is rounded: that is one error in a scale, and not noise.
 */
const elementwise: Condition = (inputs, { shape }) => {
  const isFull = (input: TensorInfo) => input.shape.join() === shape.join();
  return (
    inputs.some(isFull) &&
    inputs.every((input) => (isFull(input) ? isRounded(input) : isSpatiallyConstant(input, shape.length)))
  );
};

/**
 * Operations other than convolutions that have a bfloat16 kernel on CPU and GPU (TF_GetRegisteredKernelsForOp of
 * TensorFlow 2.21) and are safe in it, with the condition on their inputs. Reductions are not among them: on a GPU, Sum
 * adds up in bfloat16, and BiasAddGrad adds up its blocks' parts in it.
 */
const CONDITIONS: Readonly<Record<string, Condition>> = {
  BiasAdd: ifRounded(0),
  LeakyRelu: ifRounded(0),
  // The activation decides, whatever comes back from a float32 loss.
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
  // These move values, so that the type stays as it is.
  ConcatV2: ifAllRounded,
  BroadcastTo: ifRounded(0),
  GatherV2: ifRounded(0),
  Identity: ifRounded(0),
  Pad: ifRounded(0),
  Reshape: ifRounded(0),
  Slice: ifRounded(0),
  SplitV: ifRounded(0),
};

/** Operations that `keepsBfloat16` may say yes to, beside convolutions. */
export const BFLOAT16_OPERATIONS: readonly string[] = Object.keys(CONDITIONS);

/** The attribute that names the type of an operation's values. */
export function typeAttribute(op: string): string {
  return op === 'GatherV2' ? 'Tparams' : 'T';
}

/** How an operation is recorded. */
export interface OperationTypes {
  /** What it takes its float inputs in. */
  compute: number;
  /** What its results are kept in; a cast follows where it differs from `compute`. */
  store: number;
}

const FLOAT32: OperationTypes = { compute: DT_FLOAT, store: DT_FLOAT };
const BFLOAT16: OperationTypes = { compute: DT_BFLOAT16, store: DT_BFLOAT16 };

/** The types of a recorded operation. @param output its first one. */
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
  // Gradients of weights are added up and used in float32; all else that has many channels is a feature map.
  const isFeatureMap = op !== 'Conv2DBackpropFilter' && output.shape.at(-1)! >= MIN_BFLOAT16_CHANNELS;
  return {
    compute: isWide ? DT_BFLOAT16 : DT_FLOAT,
    store: keepsBfloat16 && isFeatureMap ? DT_BFLOAT16 : DT_FLOAT,
  };
}
