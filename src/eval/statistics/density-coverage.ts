// Density and coverage of generated images among real ones.
import type { Features, StatisticsOptions } from './features.js';
import { checkNeighbours, neighbourRadii, pointsOf, squaredDistances } from './neighbours.js';
import { finish, type Work } from './work.js';

export interface DensityCoverageOptions extends StatisticsOptions {
  /** k: the radius of a real image's ball is the distance to its k-th neighbour; 5 by default. */
  neighbours?: number;
}

export interface DensityCoverage {
  /**
   * Mean number of real images' balls that contain a generated image, divided by k: at least 0; about 1 for images like
   * the real ones.
   */
  density: number;
  /** Share of the real images whose ball contains a generated one, from 0 to 1. */
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
 * Density and coverage (Naeem et al., 2020), as package prdc 0.2 computes them.
 * @throws InputError for fewer than `neighbours + 1` real images, no generated ones, features that are not finite, or
 *   features of different networks.
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
