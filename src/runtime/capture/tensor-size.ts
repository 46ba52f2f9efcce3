// Names and sizes of TensorFlow's types.
import { DT_BFLOAT16, DT_FLOAT, DT_INT32, DT_RESOURCE } from '../data-types.js';
import type { TensorInfo } from './shape-rules.js';

const TYPES: ReadonlyMap<number, { name: string; bytes: number }> = new Map([
  [DT_FLOAT, { name: 'float32', bytes: 4 }],
  [DT_INT32, { name: 'int32', bytes: 4 }],
  [DT_BFLOAT16, { name: 'bfloat16', bytes: 2 }],
  // A handle; its variable is counted where it is read.
  [DT_RESOURCE, { name: 'resource', bytes: 0 }],
]);

/** The name of a type, or its code if captured programs do not have it. */
export function typeName(dtype: number): string {
  return TYPES.get(dtype)?.name ?? `type ${dtype}`;
}

/** The number of elements of a tensor. */
export function elementsOf({ shape }: TensorInfo): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The size of a tensor in bytes. @throws RangeError for a type that captured programs do not have. */
export function bytesOf(info: TensorInfo): number {
  const type = TYPES.get(info.dtype);
  if (type === undefined)
    throw new RangeError(`captured programs have no tensors of TensorFlow's type ${info.dtype}`);
  return type.bytes * elementsOf(info);
}
