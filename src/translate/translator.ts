import { Rng } from '../base/rng.js';
import type { Architecture } from '../model/architecture.js';

/** Photo to anime, or back. */
export type Direction = 'A2B' | 'B2A';

/** The generator of each direction. */
export const NETWORK_OF = { A2B: 'G_A2B', B2A: 'G_B2A' } as const satisfies Record<Direction, string>;

/** Content codes of some images; plain numbers, which nobody has to free. */
export interface ContentCodes {
  /** The direction that they were encoded for, in which alone they mean something. */
  direction: Direction;
  /** Number of images. */
  count: number;
  /** `[count, c, c, channels]`, c the content size. */
  codes: Float32Array;
}

/**
 * Translates with fixed weights: images to content codes once, then to as many images as there are styles. Works on
 * host arrays of any number of images from one on.
 *
 * All methods throw RangeError for arrays of a wrong length, and after `dispose`.
 */
export interface Translator {
  /** What the network is like. */
  readonly architecture: Architecture;
  /** Content codes of images `[n, size, size, 3]` in [-1, 1], to be decoded in the same direction. */
  encode(direction: Direction, images: Float32Array): ContentCodes;
  /** Images `[n, size, size, 3]`, clamped to [-1, 1], of content codes with one style each: `[n, latentDim]`. */
  decode(content: ContentCodes, styles: Float32Array): Float32Array;
  /**
   * Style codes `[n, latentDim]` of images of the domain that `direction` translates to, for use in that direction.
   * They are encoded by the other direction's encoder, which is the one that knows that domain.
   */
  styleOf(direction: Direction, images: Float32Array): Float32Array;
  /** Images in one go: every image with its own style. */
  translate(direction: Direction, images: Float32Array, styles: Float32Array): Float32Array;
  /** Frees what it holds; further calls do nothing. */
  dispose(): void;
}

/** Style codes drawn from the distribution that training draws from: `count * latentDim` numbers. */
export function drawStyles(rng: Rng, count: number, latentDim: number): Float32Array {
  return rng.normals(count * latentDim);
}

/**
 * `count` style codes of a seed, pulled towards the mean style, which is zero, by `truncation` (1 leaves them as drawn, 0
 * makes all of them the mean).
 */
export function randomStyleCodes(
  count: number,
  seed: number,
  latentDim: number,
  truncation = 1,
): Float32Array[] {
  const rng = new Rng(seed, 'styles');
  return Array.from({ length: count }, () =>
    drawStyles(rng, 1, latentDim).map((value) => value * truncation),
  );
}

/** The direction whose encoder knows the images that `direction` makes. */
export function reverseOf(direction: Direction): Direction {
  return direction === 'A2B' ? 'B2A' : 'A2B';
}

/** How many images an array holds. @throws RangeError where it is not one whole image or more. */
export function countImages({ size }: Architecture, images: Float32Array): number {
  const count = images.length / (size * size * 3);
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(
      `expected images of ${size} x ${size} x 3 numbers, one or more, not ${images.length} numbers`,
    );
  return count;
}

/** @throws RangeError where there is not one style for each image. */
export function assertStyles({ latentDim }: Architecture, count: number, styles: Float32Array): void {
  if (styles.length !== count * latentDim)
    throw new RangeError(
      `expected a style of ${latentDim} numbers for each of ${count} images, not ${styles.length} numbers`,
    );
}

/** What using a translator after its `dispose` throws. */
export function disposedError(): RangeError {
  return new RangeError('this translator was disposed; make another one');
}

/** Puts the decoder's images, which only come near that range, into [-1, 1], in place. */
export function clampImages(images: Float32Array): Float32Array {
  for (let i = 0; i < images.length; i++) {
    const value = images[i]!;
    if (value > 1) images[i] = 1;
    else if (value < -1) images[i] = -1;
  }
  return images;
}
