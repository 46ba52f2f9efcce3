import { precisionRecall as compute } from '../statistics/precision-recall.js';
import { CollectedFeatures, tooFew } from './collected.js';
import type { Metric } from './metric.js';

/** Improved precision and recall (Kynkaanniemi et al. 2019), as package `prdc` 0.2 computes them. */
export const precisionRecall: Metric<'precisionRecall'> = {
  name: 'precisionRecall',
  problem: (context, { neighbours }) => tooFew(context, { outputs: neighbours + 1, real: neighbours + 1 }),
  start({ features, neighbours }, context) {
    const collected = new CollectedFeatures(features, context);
    return {
      add: (groups) => collected.add(groups),
      async finish() {
        const { instruments, real, onProgress, signal } = context;
        const rows = collected.rows();
        const realRows = await instruments.features.featuresOf(features, real);
        const options = { neighbours, onProgress, ...(signal && { signal }) };
        const { precision, recall } = await compute(realRows, rows, options);
        const n = { outputs: rows.count, real: real.length };
        const how = `k = ${neighbours} nearest neighbours, on ${await instruments.features.describe(features)}`;
        return [
          { key: 'precision', title: 'Precision', better: 'higher', value: precision, n, how },
          { key: 'recall', title: 'Recall', better: 'higher', value: recall, n, how },
        ];
      },
    };
  },
};
