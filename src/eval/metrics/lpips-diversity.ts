// The LPIPS diversity metric.
import { z } from 'zod';
import { InputError } from '../../base/errors.js';
import { toFloat } from '../../data/decode.js';
import { joinFloats } from '../../data/image-arrays.js';
import { defineMetric } from './metric.js';

/**
 * LPIPS diversity (StarGAN v2, `metrics/eval.py`): the mean LPIPS over all pairs of outputs of one input, averaged over
 * inputs; package lpips 0.1.4, version 0.1 weights.
 */
export const lpipsDiversity = defineMetric({
  summary: 'mean LPIPS between the outputs of one input, AlexNet or VGG (lpips 0.1.4)',
  family: 'diversity',
  options: z.strictObject({
    /** Network of LPIPS. */
    net: z.enum(['vgg', 'alex']).default('alex'),
  }),
  headings: ({ net }) => ({ lpips: { title: `LPIPS diversity (${net})`, better: 'higher' } }),
  requires: ({ net }) => ({ lpips: net }),
  problem: ({ method }) =>
    method.outputsPerInput === 1
      ? 'there is only one output of each input, so there are no pairs'
      : undefined,
  async start({ net }, { resources }) {
    const evaluator = await resources.lpips(net);
    return {
      /** The mean over the pairs of each input that has any, and their number. */
      async measure(groups) {
        const measured: Mean[] = [];
        for (const { outputs } of groups) {
          if (outputs.length < 2) continue;
          const images = await Promise.all(outputs.map((output) => output.read()));
          const { width, height } = images[0]!;
          const other = images.findIndex((image) => image.width !== width || image.height !== height);
          if (other >= 0)
            throw mixedSizes(outputs[other]!.name, images[other]!, outputs[0]!.name, images[0]!);
          const shape = [images.length, height, width] as const;
          const distances = evaluator.pairDistances(joinFloats(images.map(toFloat)), shape);
          const mean = distances.reduce((a, b) => a + b, 0) / distances.length;
          measured.push({ mean, pairs: distances.length });
        }
        return measured;
      },
      finish(parts: readonly Mean[][]) {
        const measured = parts.flat();
        const inputs = measured.length;
        if (inputs === 0) return [];
        const sum = measured.reduce((total, { mean }) => total + mean, 0);
        const pairs = measured.reduce((total, each) => total + each.pairs, 0);
        const how =
          `mean LPIPS (version 0.1, ${net === 'alex' ? 'AlexNet' : 'VGG-16'}) over all pairs of outputs of one ` +
          'input, at the size of the outputs, averaged over inputs';
        const n = { inputs, pairs };
        return [{ key: 'lpips', value: sum / inputs, n, how }];
      },
    };
  },
});

interface Mean {
  mean: number;
  pairs: number;
}

interface Size {
  width: number;
  height: number;
}

function mixedSizes(name: string, size: Size, firstName: string, first: Size): InputError {
  return new InputError({
    expected: `${name} to be as large as ${firstName}, ${first.width} x ${first.height} px`,
    found: `${size.width} x ${size.height} px`,
    remedy: 'give all outputs of one input the same size, or remove lpipsDiversity from the metrics',
  });
}
