// Compares the fine structure of two grey images.
import { HASH_IMAGE_PX } from './perceptual-hash.js';

/** Half the side of the square whose mean is subtracted from a pixel, px. */
const REACH_PX = 2;
const STEPS_PER_LEVEL = 64;

/** The high-pass part of a grey image: each pixel minus the mean around it. */
export interface Details {
  /** [32, 32], in 64ths of a grey level. */
  values: Int16Array;
  /** Root mean square, grey levels. */
  rootMeanSquare: number;
}

/** Computes the details of a grey image. @param grey [32, 32], 8-bit. */
export function detailsOf(grey: Uint8Array): Details {
  const size = HASH_IMAGE_PX;
  const values = Int16Array.from(grey, (level, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    let sum = 0;
    let count = 0;
    for (let v = Math.max(0, y - REACH_PX); v <= Math.min(size - 1, y + REACH_PX); v++) {
      for (let u = Math.max(0, x - REACH_PX); u <= Math.min(size - 1, x + REACH_PX); u++) {
        sum += grey[v * size + u]!;
        count++;
      }
    }
    return Math.round((level - sum / count) * STEPS_PER_LEVEL);
  });
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return { values, rootMeanSquare: Math.sqrt(squares / values.length) / STEPS_PER_LEVEL };
}

/** Correlates the details of two images, -1 to 1. @param isMirrored mirrors the second image horizontally. */
export function correlate(a: Details, b: Details, isMirrored: boolean): number {
  const size = HASH_IMAGE_PX;
  let sum = 0;
  for (let i = 0; i < a.values.length; i++) {
    const j = isMirrored ? i - (i % size) + size - 1 - (i % size) : i;
    sum += a.values[i]! * b.values[j]!;
  }
  return sum / a.values.length / STEPS_PER_LEVEL ** 2 / (a.rootMeanSquare * b.rootMeanSquare);
}
