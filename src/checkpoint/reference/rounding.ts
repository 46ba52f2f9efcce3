// Makes conversion between gains exact: keeps the rounding steps.
import type { TensorToStore } from '../safetensors.js';

/**
 * This project stores a parameter times its gain, rounded to float32. Several numbers may round to the same one, so that
 * converting back can miss a bit pattern by one step. These steps are kept, two bits per element: 0 none, 1 up, 2 down.
 */
const ELEMENTS_PER_WORD = 16;

const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Int32Array =>
  new Int32Array(buffer, byteOffset, length);

/**
 * The data with which `restoreRounding` makes `exact` of `recovered`: undefined if they are equal bit for bit, else the steps
 * between them, or `exact` itself if a step is not enough (numbers that under- or overflow).
 */
export function keepRounding(
  exact: Float32Array,
  recovered: Float32Array,
  shape: readonly number[],
): TensorToStore | undefined {
  const [to, from] = [bitsOf(exact), bitsOf(recovered)];
  const words = new Int32Array(Math.ceil(to.length / ELEMENTS_PER_WORD));
  let isEqual = true;
  for (let i = 0; i < to.length; i++) {
    const step = to[i]! - from[i]!;
    if (step === 0) continue;
    if (step !== 1 && step !== -1) return { shape, data: exact };
    isEqual = false;
    words[Math.floor(i / ELEMENTS_PER_WORD)]! |= (step === 1 ? 1 : 2) << (2 * (i % ELEMENTS_PER_WORD));
  }
  return isEqual ? undefined : { shape: [words.length], data: words };
}

/** Makes `exact` of `recovered`, in place, and the data from `keepRounding`. */
export function restoreRounding(
  recovered: Float32Array,
  kept: Pick<TensorToStore, 'data'> | undefined,
): Float32Array {
  if (kept === undefined) return recovered;
  if (!(kept.data instanceof Int32Array)) return kept.data as Float32Array;
  const bits = bitsOf(recovered);
  for (let i = 0; i < bits.length; i++) {
    const code = (kept.data[Math.floor(i / ELEMENTS_PER_WORD)]! >>> (2 * (i % ELEMENTS_PER_WORD))) & 3;
    if (code !== 0) bits[i]! += code === 1 ? 1 : -1;
  }
  return recovered;
}
