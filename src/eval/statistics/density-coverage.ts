import type { Features, StatisticsOptions } from './features.js';
import { checkNeighbours, neighbourRadii, pointsOf, squaredDistances } from './neighbours.js';
import { finish, type Work } from './work.js';

export interface DensityCoverageOptions extends StatisticsOptions {
  /** k: a real image's ball reaches to its k-th neighbour; 5 where left out. */
  neighbours?: number;
}

export interface DensityCoverage {
  /** Balls of real images that a generated one lies in, over k: 0 or more, 1 on average for images like the real. */
  density: number;
  /** Share of the real images whose ball has a generated one in it, from 0 to 1. */
  coverage: number;
}

function* measure(real: Features, fake: Features, neighbours: number): Work<DensityCoverage> {
  const realPoints = pointsOf(real);
  const radii = yield* neighbourRadii(realPoints, neighbours);
  let within = 0;
  let covered = 0;
  yield* squaredDistances(realPoints, pointsOf(fake), (index, distances) => {
    const before = within;
    for (let j = 0; j < distances.length; j++) if (distances[j]! < radii[index]!) within++;
    if (within > before) covered++;
  });
  return { density: within / (neighbours * fake.count), coverage: covered / real.count };
}

/**
 * Density and coverage (Naeem et al., 2020), as package prdc 0.2.
 * @throws InputError for fewer than `neighbours + 1` real images or no generated ones, features that are not finite, or
 *   of different networks.
 */
export async function densityCoverage(
  real: Features,
  fake: Features,
  { neighbours = 5, ...options }: DensityCoverageOptions = {},
): Promise<DensityCoverage> {
  checkNeighbours(real, fake, neighbours, false);
  const total = real.count ** 2 + real.count * fake.count;
  return finish(measure(real, fake, neighbours), total, options);
}
