// The metric of the sample dataset's factors.
import { z } from 'zod';
import { placeCorrelation } from '../../sample/landmark-measures.js';
import { type DrawnOutputs, drawnOutputs, joinDrawn, noContents } from './drawn-outputs.js';
import { defineMetric } from './metric.js';

/**
 * On the sample dataset: how well place and size of the face in the outputs, by eyes and mouth as the landmark network finds
 * them, follow those that the input was drawn with (`factors.json`), as correlations over all outputs.
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
  requires: () => ({ landmarks: true, factors: true }),
  // A single input has a single place, with which nothing correlates.
  problem: (context) =>
    noContents(context) ?? (context.method.inputs < 2 ? 'needs at least two different inputs' : undefined),
  start(_, context) {
    return {
      measure: (groups) => drawnOutputs(groups, context),
      finish: (parts: readonly DrawnOutputs[]) => {
        const drawn = joinDrawn(parts);
        if (drawn.found.length < 2) return [];
        const correlation = placeCorrelation(drawn.found, drawn.contents);
        return (['x', 'y', 'scale'] as const).map((key) => ({
          key: `factors/${key}` as const,
          value: correlation[key],
          n: { outputs: drawn.found.length },
          how: `correlation of ${WHAT[key]}, as ${drawn.network} finds them, with that of factors.json`,
        }));
      },
    };
  },
});

const WHAT = {
  x: 'the horizontal middle between eyes and mouth',
  y: 'the vertical middle between eyes and mouth',
  scale: 'the distance of the mouth from the middle of the eyes',
} as const;
