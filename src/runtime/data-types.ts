// TensorFlow's codes of data types.
import type { DataType } from '@tensorflow/tfjs-core';

/** The codes of the types that programs use. */
export const DT_FLOAT = 1;
export const DT_INT32 = 3;
export const DT_BFLOAT16 = 14;
export const DT_RESOURCE = 20;

/** The code of a tensor's type. @throws RangeError for types that programs do not use. */
export function typeCode(dtype: DataType): number {
  if (dtype === 'float32') return DT_FLOAT;
  if (dtype === 'int32') return DT_INT32;
  throw new RangeError(`kernels compute with float32 and int32, not with tensors of type ${dtype}`);
}
