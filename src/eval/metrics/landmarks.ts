// The landmarks metric of the sample dataset.
import { z } from 'zod';
import { landmarkFigures } from '../../sample/landmark-measures.js';
import { type DrawnOutputs, drawnOutputs, joinDrawn, noContents } from './drawn-outputs.js';
import { defineMetric } from './metric.js';

/**
 * On the sample dataset: whether eyes and mouth of the outputs are where the input has them (`factors.json`), as the landmark
 * network finds them (`src/landmarks`). The baseline of real images, with their own factors, is the best there can be.
 */
export const landmarks = defineMetric({
  summary:
    "on the sample dataset: eyes and mouth against the input's, per cent of the face's width; shares of outputs with all three found, and within 5 %",
  family: 'faithfulness',
  options: z.strictObject({}),
  headings: () => ({
    'landmarks/median': { title: 'Landmark error, median (%)', better: 'lower' },
    'landmarks/mean': { title: 'Landmark error, mean (%)', better: 'lower' },
    'landmarks/within5': { title: 'Eyes and mouth within 5 %', better: 'higher' },
    'landmarks/found': { title: 'Eyes and mouth found', better: 'higher' },
  }),
  requires: () => ({ landmarks: true, factors: true }),
  problem: (context) =>
    noContents(context) ?? (context.method.outputs < 2 ? 'needs at least two outputs' : undefined),
  start(_, context) {
    return {
      measure: (groups) => drawnOutputs(groups, context),
      finish: (parts: readonly DrawnOutputs[]) => {
        const drawn = joinDrawn(parts);
        if (drawn.found.length === 0) return [];
        const figures = landmarkFigures(drawn.found, drawn.contents);
        const found = `as ${drawn.network} finds them`;
        const error = `over outputs of the mean distance of both eyes and the mouth, ${found}, from their places by factors.json, in per cent of the face's width`;
        const HOW = {
          median: `median ${error}`,
          mean: `mean ${error}`,
          within5: `share of outputs in which both eyes and the mouth, ${found}, are found, each within 5 % of the face's width of its place by factors.json`,
          found: `share of outputs in which both eyes and the mouth are found, ${found}, wherever they are`,
        };
        return (['median', 'mean', 'within5', 'found'] as const).map((key) => ({
          key: `landmarks/${key}` as const,
          value: figures[key],
          n: { outputs: drawn.found.length },
          how: HOW[key],
        }));
      },
    };
  },
});
