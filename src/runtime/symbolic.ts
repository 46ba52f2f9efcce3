// Symbolic tensors: they stand for results that exist only when a recorded program runs, and have a shape but no values.
import { type DataType, engine, KernelBackend, OP_SCOPE_SUFFIX, type Tensor } from '@tensorflow/tfjs-core';

/** Takes the place of a symbolic tensor's values. Recorders derive from it, to say what the tensor stands for. */
export abstract class SymbolicData {}

/** The backend that tfjs believes to hold symbolic tensors: it frees them, and explains why they cannot be read. */
class SymbolicStorage extends KernelBackend {
  override readSync(): never {
    throw readError();
  }

  override async read(): Promise<never> {
    throw readError();
  }

  override disposeData(): boolean {
    return true;
  }
}

const storage = new SymbolicStorage();

function readError(): RangeError {
  const scope = engine().state.activeScope?.name ?? '';
  return new RangeError(
    scope.endsWith(OP_SCOPE_SUFFIX)
      ? `tf.${scope.slice(0, -OP_SCOPE_SUFFIX.length)} cannot run on a symbolic tensor, which has no values: a captured function computes with kernels() alone`
      : 'a captured function cannot read values: they exist only when it runs',
  );
}

/** A new tensor without values. `tf.tidy`, `tf.keep` and `dispose` treat it like any other. */
export function symbolicTensor(data: SymbolicData, shape: readonly number[], dtype: DataType): Tensor {
  return engine().makeTensorFromTensorInfo({ dataId: data, shape: [...shape], dtype }, storage);
}

/** @throws RangeError naming the operation if one of its inputs has no values. */
export function assertValues(op: string, inputs: readonly Tensor[]): void {
  if (inputs.some(({ dataId }) => dataId instanceof SymbolicData))
    throw new RangeError(
      `${op} cannot run on a symbolic tensor, which has no values: call kernels() while the program is recorded, not before`,
    );
}
