import { createHash } from 'node:crypto';
import { type DecodedImage, decodeImage, readImageBytes } from '../data/decode.js';

/** An image to measure, read when it is needed. */
export interface MeasuredImage {
  /** What to call it in messages: a path, or what made it. */
  name: string;
  /** SHA-256 of a file's bytes, as hex digits; undefined for images that were made for this one measurement. */
  hash?: () => Promise<string>;
  /**
   * As large as it is, or a file's image as a square of `size` px.
   *
   * @throws InputError that names it where it cannot be read.
   */
  read(size?: number): Promise<DecodedImage>;
}

/** @returns hex digits. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A file; its hash is computed once. */
export function fileImage(path: string): MeasuredImage {
  let hash: Promise<string> | undefined;
  return {
    name: path,
    hash: () => {
      hash ??= readImageBytes(path).then(sha256);
      return hash;
    },
    read: (size) => decodeImage(path, size === undefined ? {} : { size }),
  };
}

/** An image that is there already. */
export function memoryImage(name: string, image: DecodedImage): MeasuredImage {
  return {
    name,
    read(size) {
      if (size !== undefined && (image.width !== size || image.height !== size))
        throw new RangeError(`${name} is ${image.width} x ${image.height} px and is not resized to ${size}`);
      return Promise.resolve(image);
    },
  };
}
