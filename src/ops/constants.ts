// Constant tensors that are made once.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * A constant of some numbers, such as a size, that is made at its first use and kept for the life of the backend. Each backend
 * has its own: one whose GPU was lost may start again under the same name, without its tensors.
 */
export function perBackend<Args extends number[]>(
  make: (...values: Args) => Tensor,
): (...values: Args) => Tensor {
  const constants = new WeakMap<object, Map<string, Tensor>>();
  return (...values) => {
    const backend = tf.backend();
    const own = constants.get(backend) ?? new Map<string, Tensor>();
    constants.set(backend, own);
    const key = values.join(':');
    let constant = own.get(key);
    if (constant === undefined || constant.isDisposed) {
      constant = tf.keep(make(...values));
      own.set(key, constant);
    }
    return constant;
  };
}
