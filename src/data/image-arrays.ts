// Joins images into batches and cuts batches into images.
import type { InputError } from '../base/errors.js';
import { type DecodedImage, fromFloat } from './decode.js';

/** Splits `[n, size, size, 3]` into images that share its memory. */
export function splitFloats(images: Float32Array, size: number): Float32Array[] {
  const length = size * size * 3;
  return Array.from({ length: images.length / length }, (_, i) =>
    images.subarray(i * length, (i + 1) * length),
  );
}

/** Splits `[n, size, size, 3]` in [-1, 1] into 8-bit images. */
export function splitImages(images: Float32Array, size: number): DecodedImage[] {
  return splitFloats(images, size).map((image) => fromFloat(image, size, size));
}

/** Concatenates images to `[n, size, size, 3]`, or codes to `[n, length]`. */
export function joinFloats(arrays: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(arrays.reduce((total, { length }) => total + length, 0));
  let offset = 0;
  for (const array of arrays) {
    out.set(array, offset);
    offset += array.length;
  }
  return out;
}

/** An image to translate, and the name that the files of its translations start with. */
export interface InputImage {
  /** Its path; for standard input, its name in messages. */
  file: string;
  name: string;
  /** The bytes of the file, if they came from standard input. */
  bytes?: Uint8Array;
  /** Why there is no image: the path leads to nothing, or to a folder without images. */
  error?: InputError;
}
