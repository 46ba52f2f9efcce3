import { type DecodedImage, fromFloat } from './decode.js';

/** Cuts `[n, size, size, 3]` into pictures, without copying. */
export function splitFloats(pictures: Float32Array, size: number): Float32Array[] {
  const length = size * size * 3;
  return Array.from({ length: pictures.length / length }, (_, i) =>
    pictures.subarray(i * length, (i + 1) * length),
  );
}

/** Cuts `[n, size, size, 3]` in [-1, 1] into 8-bit pictures. */
export function splitPictures(pictures: Float32Array, size: number): DecodedImage[] {
  return splitFloats(pictures, size).map((picture) => fromFloat(picture, size, size));
}

/** Joins pictures into `[n, size, size, 3]`, or codes into `[n, length]`. */
export function joinPictures(pictures: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(pictures.reduce((total, picture) => total + picture.length, 0));
  let offset = 0;
  for (const picture of pictures) {
    out.set(picture, offset);
    offset += picture.length;
  }
  return out;
}

/** A picture to translate, and the name that its translations start with. */
export interface InputPicture {
  /** Its path; for one from standard input what messages call it. */
  file: string;
  name: string;
  /** The file's bytes, where they came from standard input. */
  bytes?: Uint8Array;
}
