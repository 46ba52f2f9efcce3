import { stat } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FloatImage } from '../../src/data/diversity.js';
import {
  FOUND_SCORE,
  LANDMARK_WEIGHTS,
  type LandmarkFinder,
  loadLandmarkFinder,
} from '../../src/landmarks/landmark-finder.js';
import { FEATURES } from '../../src/landmarks/landmark-network.js';
import type { Content } from '../../src/sample/factors.js';
import { HEAD_WIDTH, landmarksOf } from '../../src/sample/pose.js';
import { smearFeature } from '../support/face-faults.js';
import { drawnSamples, flatImage } from '../support/images.js';

/** Weights drawn with other seeds than these. */
const SEED = 4711;
const IMAGES = 60;

let finder: LandmarkFinder;
beforeAll(async () => {
  finder = await loadLandmarkFinder();
});

/** Errors of all features in shares of the face's width, ascending, and the share of features that are found. */
function errorsOf(samples: readonly { image: FloatImage; content: Content }[]) {
  const found = finder.find(samples.map(({ image }) => image));
  const each = samples.flatMap(({ content }, i) => {
    const places = landmarksOf(content);
    return FEATURES.map((feature) => {
      const { point, score } = found[i]![feature];
      const distance = Math.hypot(point[0] - places[feature][0], point[1] - places[feature][1]);
      return { error: distance / (HEAD_WIDTH * content.scale), isFound: score >= FOUND_SCORE };
    });
  });
  const errors = each.map(({ error }) => error).sort((a, b) => a - b);
  return { errors, found: each.filter(({ isFound }) => isFound).length / each.length };
}

describe('the landmark network', () => {
  it('has weights of at most 300 kB', async () => {
    expect((await stat(LANDMARK_WEIGHTS)).size).toBeLessThanOrEqual(300_000);
  });

  it.each([
    ['vivid', 64],
    ['vivid', 128],
    ['pastel', 64],
    ['print', 64],
    ['photo', 64],
    ['photo', 128],
  ] as const)(
    'finds eyes and mouth of unseen %s portraits of %d px where they were drawn',
    async (domain, size) => {
      const { errors, found } = errorsOf(await drawnSamples(domain, IMAGES, { seed: SEED, size }));
      expect(found).toBeGreaterThan(0.97);
      expect(errors[errors.length >> 1]).toBeLessThan(0.025);
      expect(errors.filter((error) => error < 0.05).length / errors.length).toBeGreaterThan(0.88);
    },
  );

  it('finds what is left of a face whose mouth or eye is smeared, and not what is smeared', async () => {
    const samples = await drawnSamples('vivid', 20, { seed: SEED });
    for (const smeared of FEATURES) {
      const images = samples.map(({ image, content }) => smearFeature(image, content, smeared));
      const found = finder.find(images);
      const count = (feature: (typeof FEATURES)[number]) =>
        found.filter((features) => features[feature].score >= FOUND_SCORE).length;
      for (const feature of FEATURES)
        if (feature === smeared) expect(count(feature)).toBeLessThanOrEqual(6);
        else expect(count(feature)).toBeGreaterThanOrEqual(17);
    }
  });

  it('finds nothing in images of one colour', () => {
    for (const { leftEye, rightEye, mouth } of finder.find([
      flatImage(0, 0, 0, 64),
      flatImage(0.9, 0.5, 0.2, 50),
    ]))
      for (const { score } of [leftEye, rightEye, mouth]) expect(score).toBeLessThan(FOUND_SCORE);
  });

  it('finds the same in an image whatever other images come with it', async () => {
    const images = (await drawnSamples('pastel', 20, { seed: SEED })).map(({ image }) => image);
    const together = finder.find(images);
    expect(finder.find(images.slice(7, 9))).toEqual(together.slice(7, 9));
  });
});
