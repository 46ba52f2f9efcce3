// The spectrum metric.
import { z } from 'zod';
import { toFloat } from '../../data/decode.js';
import { radialSpectrum, spectrumDistance, spectrumSide } from '../../data/spectrum.js';
import type { MeasuredImage } from '../measured-image.js';
import { fileOf, type OfImage, onceEach, tooFew } from './collected.js';
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
  async problem(context) {
    const few = tooFew(context, { outputs: 1, real: 1 });
    if (few !== undefined) return few;
    const { width, height } = await context.method.firstSize();
    // One pixel has no frequencies.
    return spectrumSide({ width, height }) < 2
      ? `needs pictures of at least 2 x 2 px, since all are measured at the size of the first output, which has ${width} x ${height}`
      : undefined;
  },
  async start(_, { method, real, signal }) {
    const side = spectrumSide(await method.firstSize());
    const spectrumOf = async (image: MeasuredImage, size?: number): Promise<Float64Array> => {
      const decoded = await image.read(size);
      return radialSpectrum({ ...decoded, data: toFloat(decoded) }, side);
    };
    return {
      /** The spectra of a batch of outputs, each image once. */
      async measure(groups) {
        const spectra: Spectrum[] = [];
        for (const image of new Set(groups.flatMap((group) => group.outputs)))
          spectra.push({ file: fileOf(image), values: await spectrumOf(image) });
        return spectra;
      },
      async finish(parts: readonly Spectrum[][]) {
        const outputs = onceEach(parts.flat()).map(({ values }) => values);
        if (outputs.length === 0) return [];
        const reals: Float64Array[] = [];
        for (const image of real) {
          signal?.throwIfAborted();
          reals.push(await spectrumOf(image, side));
        }
        return [
          {
            key: 'spectrum',
            value: spectrumDistance(meanOf(outputs), meanOf(reals)),
            n: { outputs: outputs.length, real: reals.length },
            how: `root mean square over frequencies of 1 to ${side / 2} cycles per image of the difference of mean spectra in decibels; an image's spectrum is the power of its lightness under a Hann window at ${side} px, averaged over rings one cycle wide`,
          },
        ];
      },
    };
  },
});

interface Spectrum extends OfImage {
  values: Float64Array;
}

function meanOf(spectra: readonly Float64Array[]): Float64Array {
  const sum = spectra.reduce((total, values) => total.map((value, ring) => value + values[ring]!));
  return sum.map((value) => value / spectra.length);
}
