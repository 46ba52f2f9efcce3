// The metric of the sample dataset's factors.
import { z } from 'zod';
import { toFloat } from '../../data/decode.js';
import { type FaceMeasure, measureFace } from '../../sample/face-measure.js';
import { pearson } from '../../sample/sample-measures.js';
import { defineMetric } from './metric.js';

/**
 * On the sample dataset: how well position and size of the face found in the outputs follow those that the input was
 * drawn with (`factors.json`), as correlations over all outputs.
 */
export const factors = defineMetric({
  summary:
    "on the sample dataset: correlation of the face's place and size with what the input was drawn from",
  family: 'faithfulness',
  options: z.strictObject({}),
  headings: () => ({
    'factors/x': { title: 'Place, left to right', better: 'higher' },
    'factors/y': { title: 'Place, up and down', better: 'higher' },
    'factors/scale': { title: 'Size', better: 'higher' },
  }),
  problem: ({ method, resources }) => {
    if (resources.factors === undefined) return 'only the sample dataset has known factors';
    if (method.kind === 'baseline' && method.name === 'real-split') return 'it has no inputs';
    return method.outputs < 2 ? 'a correlation needs at least two outputs' : undefined;
  },
  start(_, { resources }) {
    const { contents, face } = resources.factors!;
    const measured: FaceMeasure[] = [];
    const drawn: FaceMeasure[] = [];
    return {
      async add(groups) {
        for (const { input, outputs } of groups) {
          const content = input === undefined ? undefined : contents[input];
          if (content === undefined) continue;
          for (const output of new Set(outputs)) {
            const image = await output.read();
            measured.push(measureFace({ ...image, data: toFloat(image) }, face));
            drawn.push(content);
          }
        }
      },
      finish: () => {
        if (measured.length < 2) return [];
        return (['x', 'y', 'scale'] as const).map((key) => ({
          key: `factors/${key}` as const,
          value: pearson(
            measured.map((face) => face[key]),
            drawn.map((content) => content[key]),
          ),
          n: { outputs: measured.length },
          how: `correlation of the ${key === 'scale' ? 'size' : key} of the face that fits best with that of factors.json`,
        }));
      },
    };
  },
});
