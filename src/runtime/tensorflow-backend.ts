// Access to the parts of tfjs-node's backend that its types do not show.
import { backend, type KernelBackend, type Tensor } from '@tensorflow/tfjs-core';
import { RunError } from '../base/errors.js';

/** An attribute of an operation as the addon takes it. */
export interface AddonAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** A tensor in the addon's memory. */
export interface TensorHandle {
  id: number;
  shape: number[];
  dtype: number;
}

/** The part of tfjs-node's native addon that runs operations on tensors of any type. */
export interface TensorflowBinding {
  readonly TF_Version: string;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_STRING: number;
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  executeOp(
    op: string,
    attributes: readonly AddonAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorHandle[];
  tensorDataSync(id: number): Float32Array | Int32Array | BigInt64Array;
}

/** The part of tfjs-node's backend that runs a TensorFlow operation by its own name. */
export interface TensorflowBackend {
  readonly binding: TensorflowBinding;
  readonly isUsingGpuDevice?: boolean;
  executeSingleOutput(op: string, attributes: readonly AddonAttribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly AddonAttribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
}

function isTensorflow(current: KernelBackend): current is KernelBackend & TensorflowBackend {
  return 'binding' in current && 'executeSingleOutput' in current;
}

/** tfjs's backend. @param user what needs it, to begin a sentence. @throws RunError if tfjs uses another backend. */
export function tensorflowBackend(user: string): TensorflowBackend {
  const current = backend();
  if (isTensorflow(current)) return current;
  throw new RunError(`${user} needs TensorFlow, but another backend is set; call loadEngine() first.`);
}
