// The spectrum metric.
import { z } from 'zod';
import { toFloat } from '../../data/decode.js';
import { radialSpectrum, spectrumDistance, spectrumSide } from '../../data/spectrum.js';
import type { MeasuredImage } from '../measured-image.js';
import { tooFew } from './collected.js';
import { defineMetric } from './metric.js';

/**
 * Distance between the radially averaged power spectra of outputs and real images (after Durall et al. 2020), which shows
 * blur, noise and the patterns of upsampling. All images are measured at the size of the outputs; `src/data/spectrum.ts` has the
 * definition.
 */
export const spectrum = defineMetric({
  summary:
    'distance of mean radial power spectra, decibels (after Durall et al. 2020): blur, noise and grids of upsampling',
  family: 'similarity',
  options: z.strictObject({}),
  headings: () => ({ spectrum: { title: 'Spectrum distance (dB)', better: 'lower' } }),
  problem: (context) => tooFew(context, { outputs: 1, real: 1 }),
  start(_, { real, signal }) {
    /** The side is that of the first output. */
    let side: number | undefined;
    const outputs = { sum: new Float64Array(), count: 0 };
    const seen = new WeakSet<MeasuredImage>();
    const addTo = async (to: { sum: Float64Array; count: number }, image: MeasuredImage, size?: number) => {
      const decoded = await image.read(size);
      side ??= spectrumSide(decoded);
      const values = radialSpectrum({ ...decoded, data: toFloat(decoded) }, side);
      to.sum = to.count === 0 ? values : to.sum.map((sum, ring) => sum + values[ring]!);
      to.count++;
    };
    const meanOf = ({ sum, count }: typeof outputs) => sum.map((value) => value / count);
    return {
      async add(groups) {
        for (const image of groups.flatMap((group) => group.outputs)) {
          if (seen.has(image)) continue;
          seen.add(image);
          await addTo(outputs, image);
        }
      },
      async finish() {
        if (side === undefined) return [];
        const reals = { sum: new Float64Array(), count: 0 };
        for (const image of real) {
          signal?.throwIfAborted();
          await addTo(reals, image, side);
        }
        return [
          {
            key: 'spectrum',
            value: spectrumDistance(meanOf(outputs), meanOf(reals)),
            n: { outputs: outputs.count, real: reals.count },
            how: `root mean square over frequencies of 1 to ${side / 2} cycles per image of the difference of mean spectra in decibels; an image's spectrum is the power of its lightness under a Hann window at ${side} px, averaged over rings one cycle wide`,
          },
        ];
      },
    };
  },
});
