// The precision and recall metrics.
import { z } from 'zod';
import { precisionRecall as compute } from '../statistics/precision-recall.js';
import { amongNeighbours } from './among-neighbours.js';
import { tooFew } from './collected.js';
import { defineMetric } from './metric.js';
import { count, features } from './options.js';

/** Improved precision and recall (Kynkaanniemi et al. 2019), as package `prdc` 0.2 computes them. */
export const precisionRecall = defineMetric({
  summary: 'improved precision and recall, k = 3 (prdc)',
  family: 'similarity',
  options: z.strictObject({
    /** Network of the features. */
    features,
    /** The k of the k nearest neighbours. */
    neighbours: count.default(3),
  }),
  headings: () => ({
    precision: { title: 'Precision', better: 'higher' },
    recall: { title: 'Recall', better: 'higher' },
  }),
  requires: ({ features }) => ({ features }),
  problem: (context, { neighbours }) => tooFew(context, { outputs: neighbours + 1, real: neighbours + 1 }),
  start: amongNeighbours(['precision', 'recall'], compute),
});
