// The precision and recall metrics.
import { precisionRecall as compute } from '../statistics/precision-recall.js';
import { amongNeighbours } from './among-neighbours.js';
import { tooFew } from './collected.js';
import type { Metric } from './metric.js';

/** Improved precision and recall (Kynkaanniemi et al. 2019), as package `prdc` 0.2 computes them. */
export const precisionRecall: Metric<'precisionRecall'> = {
  name: 'precisionRecall',
  problem: (context, { neighbours }) => tooFew(context, { outputs: neighbours + 1, real: neighbours + 1 }),
  start: amongNeighbours({ precision: 'Precision', recall: 'Recall' }, compute),
};
