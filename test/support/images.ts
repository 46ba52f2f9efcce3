// Images for tests of measures.
import sharp from 'sharp';
import type { FloatImage } from '../../src/data/diversity.js';
import type { Content } from '../../src/sample/factors.js';

/** A drawn image and the content that it was drawn from. */
export interface Sample {
  image: FloatImage;
  content: Content;
}

/** Decodes a PNG to numbers in [-1, 1]. */
export async function decodedImage(png: Buffer): Promise<FloatImage> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return {
    data: Float32Array.from(data, (level) => level / 127.5 - 1),
    width: info.width,
    height: info.height,
  };
}

/** An image of one colour. */
export function flatImage(r: number, g: number, b: number, size = 8): FloatImage {
  const data = Float32Array.from({ length: 3 * size * size }, (_, i) => [r, g, b][i % 3]!);
  return { data, width: size, height: size };
}
