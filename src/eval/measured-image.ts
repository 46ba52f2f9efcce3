// Images to measure: files, or images in memory.
import { sha256 } from '../base/hash.js';
import { type DecodedImage, decodeImage } from '../data/decode.js';
import { readImageBytes } from '../data/image-file.js';

/** An image to measure; it is read when needed. */
export interface MeasuredImage {
  /** Its name in messages: a path, or how it was made. */
  name: string;
  /** SHA-256 of a file's bytes, as hex digits; undefined for images in memory. */
  hash?: () => Promise<string>;
  /**
   * Reads the image at its own size, or a file's image as a square of `size` px.
   *
   * @throws InputError naming the image if it cannot be read.
   */
  read(size?: number): Promise<DecodedImage>;
}

/** An image of a file, whose hash is computed once. */
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

/** An image in memory. */
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
