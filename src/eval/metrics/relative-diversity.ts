// The relative diversity metric.
import { z } from 'zod';
import { toFloat } from '../../data/decode.js';
import { type FloatImage, setDiversity } from '../../data/diversity.js';
import type { MeasuredImage } from '../measured-image.js';
import { defineMetric } from './metric.js';
import { count } from './options.js';

/**
 * Pixel diversity of styles over that of real images: the mean pairwise distance between the outputs of one input, over that
 * between different real images. 0 if styles change nothing, 1 if they change an image as much as real images differ, which
 * differ in content too. Training watches the same figure (`signals/styleDiversity`) on other images.
 */
export const relativeDiversity = defineMetric({
  summary:
    'mean pixel distance between the outputs of one input, over that between different real images of their size',
  family: 'diversity',
  options: z.strictObject({
    /** Maximum number of real images; all pairs of them are compared. */
    real: count.default(64),
  }),
  headings: () => ({ 'relative-diversity': { title: 'Relative diversity', better: 'higher' } }),
  problem: ({ method, real }) => {
    if (method.outputsPerInput === 1) return 'there is only one output of each input, so there are no pairs';
    return real.length < 2 ? 'needs at least two real images' : undefined;
  },
  start({ real: limit }, { real }) {
    const read = async (image: MeasuredImage, px?: number): Promise<FloatImage> => {
      const decoded = await image.read(px);
      return { ...decoded, data: toFloat(decoded) };
    };
    return {
      /** The diversity of each input that has several outputs; none if these have several sizes. */
      async measure(groups) {
        const measured: Diversity[] = [];
        for (const { outputs } of groups) {
          if (outputs.length < 2) continue;
          const images = await Promise.all(outputs.map((output) => read(output)));
          const { width, height } = images[0]!;
          const isOneSize = images.every((image) => image.width === width && image.height === height);
          measured.push({ width, height, diversity: isOneSize ? setDiversity(images) : undefined });
        }
        return measured;
      },
      async finish(parts: readonly Diversity[][]) {
        const all = parts.flat();
        const [size] = all;
        // Distances in pixels need one size, which a folder of outputs may lack.
        const chosen = all.flatMap(({ width, height, diversity }) =>
          diversity !== undefined && width === size!.width && height === size!.height ? [diversity] : [],
        );
        const inputs = chosen.length;
        if (inputs === 0 || size === undefined || size.width !== size.height) return [];
        const sum = chosen.reduce((a, b) => a + b, 0);
        const images = await Promise.all(real.slice(0, limit).map((image) => read(image, size.width)));
        const between = setDiversity(images);
        if (between === 0) return [];
        return [
          {
            key: 'relative-diversity',
            value: sum / inputs / between,
            n: { inputs, real: images.length },
            how: `root mean square pixel distance between two outputs of one input, averaged over pairs and inputs, over that between ${images.length} real images at ${size.width} px, averaged over pairs`,
          },
        ];
      },
    };
  },
});

interface Diversity {
  /** Size of the first output, px. */
  width: number;
  height: number;
  diversity: number | undefined;
}
