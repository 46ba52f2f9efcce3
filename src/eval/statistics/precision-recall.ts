// Improved precision and recall of generated images.
import type { Features, StatisticsOptions } from './features.js';
import { checkNeighbours, neighbourRadii, pointsOf, squaredDistances } from './neighbours.js';
import { finish, type Work } from './work.js';

export interface PrecisionRecallOptions extends StatisticsOptions {
  /** k: the radius of an image's ball is the distance to its k-th neighbour; 3 by default. */
  neighbours?: number;
}

export interface PrecisionRecall {
  /** Share of the generated images within the ball of a real one, from 0 to 1. */
  precision: number;
  /** Share of the real images within the ball of a generated one, from 0 to 1. */
  recall: number;
}

function* measure(real: Features, fake: Features, neighbours: number): Work<PrecisionRecall> {
  const realPoints = pointsOf(real);
  const fakePoints = pointsOf(fake);
  const realRadii = yield* neighbourRadii(realPoints, neighbours);
  const fakeRadii = yield* neighbourRadii(fakePoints, neighbours);
  const isPrecise = new Uint8Array(fake.count);
  let recalled = 0;
  yield* squaredDistances(realPoints, fakePoints, (index, distances) => {
    const radius = realRadii[index]!;
    let isRecalled = false;
    for (let j = 0; j < distances.length; j++) {
      if (distances[j]! < radius) isPrecise[j] = 1;
      isRecalled ||= distances[j]! < fakeRadii[j]!;
    }
    if (isRecalled) recalled++;
  });
  const precise = isPrecise.reduce((sum, one) => sum + one, 0);
  return { precision: precise / fake.count, recall: recalled / real.count };
}

/**
 * Improved precision and recall (Kynkäänniemi et al., 2019), as package prdc 0.2 computes them: an image is within a
 * ball if it is nearer than the radius.
 * @throws InputError for fewer than `neighbours + 1` images, features that are not finite, or features of different
 *   networks.
 */
export async function precisionRecall(
  real: Features,
  fake: Features,
  { neighbours = 3, ...options }: PrecisionRecallOptions = {},
): Promise<PrecisionRecall> {
  checkNeighbours(real, fake, neighbours, true);
  const total = real.count ** 2 + fake.count ** 2 + real.count * fake.count;
  return finish(measure(real, fake, neighbours), total, options);
}
