import { joinRows } from '../features/output-features.js';
import { densityCoverage as compute } from '../statistics/density-coverage.js';
import type { Metric } from './metric.js';

/** Density and coverage (Naeem et al. 2020), as package `prdc` 0.2 computes them. */
export const densityCoverage: Metric<'densityCoverage'> = {
  name: 'densityCoverage',
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
        const { density, coverage } = await compute(realFeatures, joinRows(vectors), {
          neighbours,
          onProgress,
          ...(signal && { signal }),
        });
        const n = { outputs: vectors.length, real: real.length };
        const how = `k = ${neighbours} nearest neighbours, on ${await instruments.features.describe(features)}`;
        return [
          { key: 'density', title: 'Density', better: 'higher', value: density, n, how },
          { key: 'coverage', title: 'Coverage', better: 'higher', value: coverage, n, how },
        ];
      },
    };
  },
};
