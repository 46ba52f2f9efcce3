// The density and coverage metrics.
import { z } from 'zod';
import { densityCoverage as compute } from '../statistics/density-coverage.js';
import { amongNeighbours } from './among-neighbours.js';
import { tooFew } from './collected.js';
import { defineMetric } from './metric.js';
import { count, features } from './options.js';

/** Density and coverage (Naeem et al. 2020), as package `prdc` 0.2 computes them. */
export const densityCoverage = defineMetric({
  summary: 'density and coverage, k = 5 (prdc)',
  family: 'similarity',
  options: z.strictObject({
    /** Network of the features. */
    features,
    /** The k of the k nearest neighbours. */
    neighbours: count.default(5),
  }),
  headings: () => ({
    density: { title: 'Density', better: 'higher' },
    coverage: { title: 'Coverage', better: 'higher' },
  }),
  requires: ({ features }) => ({ features }),
  problem: (context, { neighbours }) => tooFew(context, { outputs: 1, real: neighbours + 1 }),
  start: amongNeighbours(['density', 'coverage'], compute),
});
