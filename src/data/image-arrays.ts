import { type DecodedImage, fromFloat } from './decode.js';

/** Cuts `[n, size, size, 3]` into images, without copying. */
export function splitFloats(images: Float32Array, size: number): Float32Array[] {
  const length = size * size * 3;
  return Array.from({ length: images.length / length }, (_, i) =>
    images.subarray(i * length, (i + 1) * length),
  );
}

/** Cuts `[n, size, size, 3]` in [-1, 1] into 8-bit images. */
export function splitImages(images: Float32Array, size: number): DecodedImage[] {
  return splitFloats(images, size).map((image) => fromFloat(image, size, size));
}

/** Joins images into `[n, size, size, 3]`, or codes into `[n, length]`. */
export function joinFloats(images: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(images.reduce((total, image) => total + image.length, 0));
  let offset = 0;
  for (const image of images) {
    out.set(image, offset);
    offset += image.length;
  }
  return out;
}

/** An image to translate, and the name that its translations start with. */
export interface InputImage {
  /** Its path; for one from standard input what messages call it. */
  file: string;
  name: string;
  /** The file's bytes, where they came from standard input. */
  bytes?: Uint8Array;
}
