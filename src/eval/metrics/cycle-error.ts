// The cycle error metric.
import { z } from 'zod';
import { toFloat } from '../../data/decode.js';
import { joinFloats } from '../../data/image-arrays.js';
import { reverseOf } from '../../translate/translator.js';
import { defineMetric } from './metric.js';

/**
 * Cycle error: the mean absolute difference, as a share of the 8-bit range, between an input and its first output
 * translated back in the input's own style (the reference's cycle, train.py, at evaluation).
 */
export const cycleError = defineMetric({
  summary: 'mean difference between an input and its output translated back',
  family: 'faithfulness',
  options: z.strictObject({}),
  headings: () => ({ cycle: { title: 'Cycle error', better: 'lower' } }),
  problem: ({ method }) => (method.model === undefined ? 'only a model can translate back' : undefined),
  start(_, { method }) {
    const { translator, direction } = method.model!;
    const reverse = reverseOf(direction);
    return {
      /** The mean difference of each input. */
      async measure(groups) {
        const sources = joinFloats(groups.map(({ source }) => toFloat(source!)));
        const outputs = await Promise.all(groups.map(({ outputs: [first] }) => first!.read()));
        const translated = joinFloats(outputs.map(toFloat));
        const returned = translator.translate(reverse, translated, translator.styleOf(reverse, sources));
        const length = returned.length / groups.length;
        return groups.map((_, k) => {
          let sum = 0;
          for (let i = k * length; i < (k + 1) * length; i++) sum += Math.abs(returned[i]! - sources[i]!) / 2;
          return sum / length;
        });
      },
      finish(parts: readonly number[][]) {
        const errors = parts.flat();
        return [
          {
            key: 'cycle',
            value: errors.reduce((a, b) => a + b, 0) / errors.length,
            n: { inputs: errors.length },
            how: "mean absolute difference, as a share of the 8-bit range, between an input and its first output translated back in the input's own style",
          },
        ];
      },
    };
  },
});
