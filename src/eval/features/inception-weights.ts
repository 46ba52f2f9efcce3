// Converts Inception's PyTorch weights, folding every batch norm into its convolution.
import { messageOf } from '../../base/errors.js';
import { fromTorchTensor, type TorchTensor, torchShapeOf } from '../../checkpoint/torch-layout.js';
import type { ParameterSpec, ParameterValues } from '../../model/parameters.js';
import { type Inception, type InceptionVariant, inceptionPaths } from '../../perceptual/inception.js';

/** A `state_dict`, with tensors as `checkpoint/torch-layout.ts` reads them. */
export type StateDict = ReadonlyMap<string, TorchTensor>;

/** torchvision's BasicConv2d adds it to the variance. */
const BATCH_NORM_EPSILON = 0.001;

/** The number of classes distinguishes the weights of the two variants; all other tensors have the same shapes. */
const CLASSES: Readonly<Record<InceptionVariant, number>> = { fid: 1008, imagenet: 1000 };

/**
 * Converts the `state_dict` of pytorch-fid's or torchvision's network to Inception's parameters. The classifiers are
 * not needed; every batch norm is folded into the convolution before it.
 *
 * @throws RangeError for a missing or misshapen tensor, one with numbers that are not finite, and for the classifier
 *   of the other variant.
 */
export function foldInception(inception: Inception, stateDict: StateDict): ParameterValues {
  assertVariant(inception.variant, stateDict);
  const values: ParameterValues = {};
  for (const path of inceptionPaths(inception)) {
    const spec = inception.specs[`${path}.weight`]!;
    const { factors, offsets } = batchNorm(stateDict, `${path}.bn`, spec.shape[3]!);
    const weights = readTensor(stateDict, `${path}.conv.weight`, spec);
    // The last axis is the output channels.
    for (let i = 0; i < weights.length; i += factors.length)
      for (let c = 0; c < factors.length; c++) weights[i + c]! *= factors[c]!;
    // A ReLU turns NaN into zero, so the features would not reveal it.
    if (![weights, offsets].every((parameter) => parameter.every(Number.isFinite)))
      throw new RangeError(`'${path}' with numbers that are not finite`);
    values[`${path}.weight`] = weights;
    values[`${path}.bias`] = offsets;
  }
  return values;
}

/** A batch norm at evaluation, as its effect on each channel: `factor * x + offset`. */
function batchNorm(
  stateDict: StateDict,
  path: string,
  channels: number,
): { factors: Float64Array; offsets: Float32Array } {
  const spec: ParameterSpec = { shape: [channels], init: { value: 0 }, gain: 1, torch: { kind: 'vector' } };
  const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
    readTensor(stateDict, `${path}.${name}`, spec),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const factors = Float64Array.from(weight, (w, c) => w / Math.sqrt(variance[c]! + BATCH_NORM_EPSILON));
  return { factors, offsets: bias.map((b, c) => b - mean[c]! * factors[c]!) };
}

/** A copy in our layout. */
function readTensor(stateDict: StateDict, name: string, spec: ParameterSpec): Float32Array {
  const tensor = stateDict.get(name);
  if (tensor === undefined) throw new RangeError(`'${name}' is missing, expected [${torchShapeOf(spec)}]`);
  try {
    return fromTorchTensor(spec, tensor, 1);
  } catch (error) {
    throw new RangeError(`'${name}' is ${messageOf(error)}`, { cause: error });
  }
}

function assertVariant(variant: InceptionVariant, stateDict: StateDict): void {
  const classes = stateDict.get('fc.bias')?.shape[0];
  if (classes !== undefined && classes !== CLASSES[variant])
    throw new RangeError(`'fc.bias' is [${classes}], expected [${CLASSES[variant]}]`);
}
