import { sha256 } from '../base/hash.js';
import { type DecodedImage, decodeImage, readImageBytes } from '../data/decode.js';

/** A picture to measure, read when it is needed. */
export interface MeasuredImage {
  /** What to call it in messages: a path, or what made it. */
  name: string;
  /** SHA-256 of a file's bytes, as hex digits; undefined for pictures that were made for this one measurement. */
  hash?: () => Promise<string>;
  /**
   * As large as it is, or a file's picture as a square of `size` px.
   *
   * @throws InputError that names it where it cannot be read.
   */
  read(size?: number): Promise<DecodedImage>;
}

/** A file; its hash is computed once. */
export function fileImage(path: string): MeasuredImage {
  let hash: Promise<string> | undefined;
  return {
    name: path,
    hash: () => {
      hash ??= readImageBytes(path).then((bytes) => sha256(bytes));
      return hash;
    },
    read: (size) => decodeImage(path, size === undefined ? {} : { size }),
  };
}

/** A picture that is there already. */
export function madeImage(name: string, image: DecodedImage): MeasuredImage {
  return {
    name,
    read(size) {
      if (size !== undefined && (image.width !== size || image.height !== size))
        throw new RangeError(`${name} is ${image.width} x ${image.height} px and is not resized to ${size}`);
      return Promise.resolve(image);
    },
  };
}
