// The interface of a translator, and the draw of random styles.
import { Rng } from '../base/rng.js';
import type { Architecture } from '../model/architecture.js';
import { truncateStyle } from './style-math.js';

/** The direction of a translation: photo to anime (`A2B`), or back. */
export type Direction = 'A2B' | 'B2A';

/** The generator of each direction. */
export const NETWORK_OF = { A2B: 'G_A2B', B2A: 'G_B2A' } as const satisfies Record<Direction, string>;

/** Content codes of images. They are plain numbers and need not be freed. */
export interface ContentCodes {
  /** The direction that they were encoded for; they are meaningless in the other. */
  direction: Direction;
  /** Number of images. */
  count: number;
  /** `[count, c, c, channels]`, where c is the content size. */
  codes: Float32Array;
}

/**
 * Translates with fixed weights: encodes an image once, then decodes it in any number of styles. Arrays hold one image or
 * more.
 *
 * All methods throw RangeError for arrays of a wrong length, and after `dispose`.
 */
export interface Translator {
  /** The architecture of the networks. */
  readonly architecture: Architecture;
  /** Encodes images `[n, size, size, 3]` in [-1, 1] to content codes, which are decoded in the same direction. */
  encode(direction: Direction, images: Float32Array): ContentCodes;
  /** Decodes content codes with one style each, `[n, latentDim]`, to images `[n, size, size, 3]` clamped to [-1, 1]. */
  decode(content: ContentCodes, styles: Float32Array): Float32Array;
  /**
   * Encodes images of the target domain of `direction` to style codes `[n, latentDim]` for that direction. The encoder of the
   * other direction does it, because that one was trained on this domain.
   */
  styleOf(direction: Direction, images: Float32Array): Float32Array;
  /** Encodes and decodes images in one call, each with its own style. */
  translate(direction: Direction, images: Float32Array, styles: Float32Array): Float32Array;
  /** Frees its memory; further calls do nothing. */
  dispose(): void;
}

/** Draws style codes from the distribution that training uses: `count * latentDim` numbers. */
export function drawStyles(rng: Rng, count: number, latentDim: number): Float32Array {
  return rng.normals(count * latentDim);
}

/**
 * Draws `count` style codes from a seed.
 *
 * @param truncation pulls the codes towards the mean style: 1 keeps them as drawn, 0 gives the mean.
 */
export function randomStyleCodes(
  count: number,
  seed: number,
  latentDim: number,
  truncation = 1,
): Float32Array[] {
  const rng = new Rng(seed, 'styles');
  return Array.from({ length: count }, () => truncateStyle(drawStyles(rng, 1, latentDim), truncation));
}

/** Returns the direction whose encoder was trained on the target domain of `direction`. */
export function reverseOf(direction: Direction): Direction {
  return direction === 'A2B' ? 'B2A' : 'A2B';
}

/** Counts the images in an array. @throws RangeError if it does not hold one or more whole images. */
export function countImages({ size }: Architecture, images: Float32Array): number {
  const count = images.length / (size * size * 3);
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(
      `expected images of ${size} x ${size} x 3 numbers, one or more, not ${images.length} numbers`,
    );
  return count;
}

/** @throws RangeError if there is not one style for each image. */
export function assertStyles({ latentDim }: Architecture, count: number, styles: Float32Array): void {
  if (styles.length !== count * latentDim)
    throw new RangeError(
      `expected a style of ${latentDim} numbers for each of ${count} images, not ${styles.length} numbers`,
    );
}

/** Makes the error for the use of a disposed translator. */
export function disposedError(): RangeError {
  return new RangeError('this translator was disposed; make another one');
}

/** Clamps images to [-1, 1] in place, because the decoder only approximates that range. */
export function clampImages(images: Float32Array): Float32Array {
  for (let i = 0; i < images.length; i++) {
    const value = images[i]!;
    if (value > 1) images[i] = 1;
    else if (value < -1) images[i] = -1;
  }
  return images;
}
