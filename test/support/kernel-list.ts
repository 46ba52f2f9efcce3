// Encodes lists of TensorFlow's kernels.
import {
  bytesField,
  bytesOf,
  type Encoded,
  intField,
  message,
  messageField,
} from '../../src/base/protobuf.js';

export interface KernelFields {
  op: string;
  device: string;
  /** Attributes with the numbers of the types that they may have, all below 128. */
  types?: Record<string, number[]>;
  hostMemory?: string[];
  label?: string;
  priority?: number;
  /** Whether types are written one by one, as proto2 does, not packed. */
  isUnpacked?: boolean;
}

function typeList(types: readonly number[], isUnpacked: boolean): Encoded[] {
  return isUnpacked ? types.map((type) => intField(6, type)) : [bytesField(6, Uint8Array.from(types))];
}

/** A `KernelList` of TensorFlow's, field by field. */
export function kernelList(kernels: readonly KernelFields[]): Uint8Array {
  return bytesOf(
    message(
      kernels.map(({ op, device, types = {}, hostMemory = [], label = '', priority, isUnpacked = false }) =>
        messageField(1, [
          bytesField(1, op),
          bytesField(2, device),
          ...Object.entries(types).map(([name, allowed]) =>
            messageField(3, [
              bytesField(1, name),
              messageField(2, [messageField(1, typeList(allowed, isUnpacked))]),
            ]),
          ),
          ...hostMemory.map((name) => bytesField(4, name)),
          ...(label === '' ? [] : [bytesField(5, label)]),
          ...(priority === undefined ? [] : [intField(6, priority)]),
        ]),
      ),
    ),
  );
}
