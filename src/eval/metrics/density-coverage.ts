import { densityCoverage as compute } from '../statistics/density-coverage.js';
import { CollectedFeatures, tooFew } from './collected.js';
import type { Metric } from './metric.js';

/** Density and coverage (Naeem et al. 2020), as package `prdc` 0.2 computes them. */
export const densityCoverage: Metric<'densityCoverage'> = {
  name: 'densityCoverage',
  problem: (context, { neighbours }) => tooFew(context, { outputs: 1, real: neighbours + 1 }),
  start({ features, neighbours }, context) {
    const collected = new CollectedFeatures(features, context);
    return {
      add: (groups) => collected.add(groups),
      async finish() {
        const { instruments, real, onProgress, signal } = context;
        const rows = collected.rows();
        const realRows = await instruments.features.featuresOf(features, real);
        const options = { neighbours, onProgress, ...(signal && { signal }) };
        const { density, coverage } = await compute(realRows, rows, options);
        const n = { outputs: rows.count, real: real.length };
        const how = `k = ${neighbours} nearest neighbours, on ${await instruments.features.describe(features)}`;
        return [
          { key: 'density', title: 'Density', better: 'higher', value: density, n, how },
          { key: 'coverage', title: 'Coverage', better: 'higher', value: coverage, n, how },
        ];
      },
    };
  },
};
