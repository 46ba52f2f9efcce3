// The style consistency metric.
import { z } from 'zod';
import { applyAugmentation, drawAugmentation } from '../../augment/augment.js';
import { Rng } from '../../base/rng.js';
import { augment as augmentSchema } from '../../config/augment-schema.js';
import { toFloat } from '../../data/decode.js';
import { joinFloats } from '../../data/image-arrays.js';
import { defineMetric, type Measured } from './metric.js';
import { drawnCount } from './options.js';

/** Maximum number of real images. */
const MAX_IMAGES = 100;

/**
 * Style consistency, after the loss of that name in GANs N' Roses (section 3; `src/losses/style-consistency.ts`): the
 * variance of the style code over warps of one image (the warps of training), and its share of the sum of that variance and the variance between images. The share is 0 if the style is
 * a property of the image, and 1 if it says nothing about it.
 *
 * Variances are unbiased. The mean codes of images also differ by chance: by the variance over the warps divided by
 * their number. This is subtracted from the variance between images, and a negative result becomes 0. If all codes are
 * equal, there is no share.
 */
export const styleConsistency = defineMetric({
  summary:
    'variance of the style code over warps of one picture, and its share of the variance over all pictures',
  family: 'faithfulness',
  options: z.strictObject({
    /** Warps of each image. */
    views: drawnCount.default(8),
  }),
  headings: () => ({
    style: { title: 'Style variance', better: 'lower' },
    'style-share': { title: 'Style variance share', better: 'lower' },
  }),
  problem: ({ method, real }, { views }) => {
    if (method.model === undefined) return 'only a model has style codes';
    if (views < 2) return 'needs at least two views of an image';
    return real.length < 2 ? 'needs at least two real images' : undefined;
  },
  start({ views }, { method, real, seed }) {
    const { translator, direction } = method.model!;
    const { size, latentDim } = translator.architecture;
    const warps = augmentSchema.parse({});
    const rng = new Rng(seed, 'style-consistency');
    const images = real.slice(0, MAX_IMAGES);
    const drawn = images.map(() => Array.from({ length: views }, () => drawAugmentation(warps, size, rng)));
    return {
      count: images.length,
      /** Moments over the warps of a real image. */
      async measureItem(i) {
        const pixels = toFloat(await images[i]!.read(size));
        const batch = new Float32Array(views * pixels.length);
        for (const [view, augmentation] of drawn[i]!.entries())
          applyAugmentation(pixels, size, augmentation, batch, view * pixels.length);
        return moments(translator.styleOf(direction, batch), latentDim);
      },
      finish(parts: readonly Moments[]) {
        const within = parts.reduce((sum, { variance }) => sum + variance / images.length, 0);
        const all = joinFloats(parts.map(({ mean }) => mean));
        const between = Math.max(0, moments(all, latentDim).variance - within / views);
        const total = within + between;
        const n = { pictures: images.length, views };
        const variance: Measured<'style'> = {
          key: 'style',
          value: within,
          n,
          how: `unbiased variance of the style code over ${views} warps of one real image (the warps of the paper's training), summed over the code, averaged over images`,
        };
        if (total === 0) return [variance];
        return [
          variance,
          {
            key: 'style-share',
            value: within / total,
            n,
            how: "that variance over its sum with the variance of different images' styles: that of their mean codes, less the part due to the warps",
          },
        ];
      },
    };
  },
});

interface Moments {
  mean: Float32Array;
  variance: number;
}

/** Returns the mean code, and the unbiased variance over the rows (2 or more), summed over the code. */
function moments(codes: Float32Array, length: number): Moments {
  const count = codes.length / length;
  const mean = new Float32Array(length);
  for (let i = 0; i < codes.length; i++) mean[i % length]! += codes[i]! / count;
  let variance = 0;
  for (let i = 0; i < codes.length; i++) variance += (codes[i]! - mean[i % length]!) ** 2 / (count - 1);
  return { mean, variance };
}
