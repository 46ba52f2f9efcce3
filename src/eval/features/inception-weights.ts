import { messageOf } from '../../base/errors.js';
import { fromTorchTensor, type TorchTensor, torchShapeOf } from '../../checkpoint/torch-layout.js';
import type { ParameterSpec, ParameterValues } from '../../model/parameters.js';
import { type Inception, type InceptionVariant, inceptionPaths } from '../../perceptual/inception.js';

/** A `state_dict` as `checkpoint/torch-layout.ts` has its tensors. */
export type StateDict = ReadonlyMap<string, TorchTensor>;

/** Added to the variance by torchvision's BasicConv2d. */
const BATCH_NORM_EPSILON = 0.001;

/** By them the weights of the two variants can be told apart: all other tensors have the same shapes. */
const CLASSES: Readonly<Record<InceptionVariant, number>> = { fid: 1008, imagenet: 1000 };

/**
 * Parameters of Inception from a `state_dict` of pytorch-fid's or torchvision's network, of which the classifiers are not
 * needed: every batch norm goes into the convolution before it.
 *
 * @throws RangeError for a missing or misshapen tensor, one with numbers that are not finite, and for the classifier of the
 *   other variant.
 */
export function foldInception(inception: Inception, stateDict: StateDict): ParameterValues {
  assertVariant(inception.variant, stateDict);
  const values: ParameterValues = {};
  for (const path of inceptionPaths(inception)) {
    const spec = inception.specs[`${path}.weight`]!;
    const { factors, offsets } = batchNorm(stateDict, `${path}.bn`, spec.shape[3]!);
    const weights = readTensor(stateDict, `${path}.conv.weight`, spec);
    // The last axis is that of the output's channels.
    for (let i = 0; i < weights.length; i += factors.length)
      for (let c = 0; c < factors.length; c++) weights[i + c]! *= factors[c]!;
    // A ReLU makes zeros of what is not a number: nobody would see it in the features.
    if (![weights, offsets].every((parameter) => parameter.every(Number.isFinite)))
      throw new RangeError(`'${path}' with numbers that are not finite`);
    values[`${path}.weight`] = weights;
    values[`${path}.bias`] = offsets;
  }
  return values;
}

/** A batch norm in evaluation as what it does to each channel: `factor * x + offset`. */
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
