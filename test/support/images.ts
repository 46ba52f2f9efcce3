// Images for tests of measures.
import sharp from 'sharp';
import type { FloatImage } from '../../src/data/diversity.js';
import { sampleFactors } from '../../src/sample/draw.js';
import type { Content, Family } from '../../src/sample/factors.js';
import { rasterise } from '../../src/sample/raster.js';

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

/**
 * Draws portraits of the sample dataset: photographs, or anime of a family.
 *
 * @param options.seed other seeds draw others.
 */
export async function drawnSamples(
  domain: Family | 'photo',
  count: number,
  { seed = 11, size = 64 }: { seed?: number; size?: number } = {},
): Promise<Sample[]> {
  const [folder, family] = domain === 'photo' ? (['testA', 'vivid'] as const) : (['testB', domain] as const);
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const factors = sampleFactors(seed, folder, `${folder}/${i}`, family);
      return { image: await decodedImage(await rasterise(factors, size)), content: factors.content };
    }),
  );
}
