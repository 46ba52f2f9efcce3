// Crops squares out of images; needs nothing of Node.
import type { Square } from '../base/geometry.js';
import type { DecodedImage } from '../data/decoded-image.js';
import { filterTable, resample, TRIANGLE } from '../data/resample.js';

/**
 * Crops a square, which need not be whole pixels, and scales it to `size` px with a bilinear filter, widened for reduction.
 *
 * @param image `[height, width, 3]`. @returns `[size, size, 3]`.
 */
export function cropSquare(image: DecodedImage, { left, top, side }: Square, size: number): Uint8Array {
  const values = resample(
    image,
    filterTable(TRIANGLE, image.width, size, left, left + side),
    filterTable(TRIANGLE, image.height, size, top, top + side),
  );
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = values[i]! + 0.5;
  return bytes;
}
