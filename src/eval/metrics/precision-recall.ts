import { joinRows } from '../features/output-features.js';
import { precisionRecall as compute } from '../statistics/precision-recall.js';
import type { Metric } from './metric.js';

/** Improved precision and recall (Kynkaanniemi et al. 2019), as package `prdc` 0.2 computes them. */
export const precisionRecall: Metric<'precisionRecall'> = {
  name: 'precisionRecall',
  problem: ({ real }, { neighbours }) =>
    real.length <= neighbours ? `needs more than ${neighbours} real pictures` : undefined,
  start({ features, neighbours }, { real, outputFeatures, instruments, onProgress, signal }) {
    const vectors: Float32Array[] = [];
    return {
      async add(groups) {
        vectors.push(
          ...(await outputFeatures(
            features,
            groups.flatMap(({ outputs }) => outputs),
          )),
        );
      },
      async finish() {
        const realFeatures = await instruments.features.featuresOf(features, real);
        const { precision, recall } = await compute(realFeatures, joinRows(vectors), {
          neighbours,
          onProgress,
          ...(signal && { signal }),
        });
        const n = { outputs: vectors.length, real: real.length };
        const how = `k = ${neighbours} nearest neighbours, on ${await instruments.features.describe(features)}`;
        return [
          { key: 'precision', title: 'Precision', better: 'higher', value: precision, n, how },
          { key: 'recall', title: 'Recall', better: 'higher', value: recall, n, how },
        ];
      },
    };
  },
};
