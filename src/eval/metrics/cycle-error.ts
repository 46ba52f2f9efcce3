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
    let [sum, inputs] = [0, 0];
    return {
      async add(groups) {
        const sources = joinFloats(groups.map(({ source }) => toFloat(source!)));
        const outputs = await Promise.all(groups.map(({ outputs: [first] }) => first!.read()));
        const translated = joinFloats(outputs.map(toFloat));
        const returned = translator.translate(reverse, translated, translator.styleOf(reverse, sources));
        const length = returned.length / groups.length;
        for (let i = 0; i < returned.length; i++) sum += Math.abs(returned[i]! - sources[i]!) / 2 / length;
        inputs += groups.length;
      },
      finish: () => [
        {
          key: 'cycle',
          value: sum / inputs,
          n: { inputs },
          how: "mean absolute difference, as a share of the 8-bit range, between an input and its first output translated back in the input's own style",
        },
      ],
    };
  },
});
