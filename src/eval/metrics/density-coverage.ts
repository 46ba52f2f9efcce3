// The density and coverage metrics.
import { densityCoverage as compute } from '../statistics/density-coverage.js';
import { amongNeighbours } from './among-neighbours.js';
import { tooFew } from './collected.js';
import type { Metric } from './metric.js';

/** Density and coverage (Naeem et al. 2020), as package `prdc` 0.2 computes them. */
export const densityCoverage: Metric<'densityCoverage'> = {
  name: 'densityCoverage',
  problem: (context, { neighbours }) => tooFew(context, { outputs: 1, real: neighbours + 1 }),
  start: amongNeighbours({ density: 'Density', coverage: 'Coverage' }, compute),
};
