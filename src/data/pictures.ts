import { type DecodedImage, fromFloat } from './decode.js';

/** Cuts `[n, size, size, 3]` in [-1, 1] into pictures. */
export function splitPictures(pictures: Float32Array, size: number): DecodedImage[] {
  const length = size * size * 3;
  return Array.from({ length: pictures.length / length }, (_, i) =>
    fromFloat(pictures.subarray(i * length, (i + 1) * length), size, size),
  );
}

/** Joins pictures into `[n, size, size, 3]`. */
export function joinPictures(pictures: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(pictures.reduce((total, picture) => total + picture.length, 0));
  let offset = 0;
  for (const picture of pictures) {
    out.set(picture, offset);
    offset += picture.length;
  }
  return out;
}
