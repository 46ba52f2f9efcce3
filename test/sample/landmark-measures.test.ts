import { beforeAll, describe, expect, it } from 'vitest';
import type { FloatImage } from '../../src/data/diversity.js';
import { meanSpectrum, spectrumDistance } from '../../src/data/spectrum.js';
import {
  type FoundLandmarks,
  type LandmarkFinder,
  loadLandmarkFinder,
} from '../../src/landmarks/landmark-finder.js';
import type { Content } from '../../src/sample/factors.js';
import {
  facePlace,
  type LandmarkFigures,
  landmarkFigures,
  placeCorrelation,
} from '../../src/sample/landmark-measures.js';
import { HEAD_WIDTH, landmarksOf } from '../../src/sample/pose.js';
import { boxBlurred, doubled, mirrored, moveFeature, smearFeature, striped } from '../support/face-faults.js';
import { drawnSamples, type Sample } from '../support/images.js';

const CONTENT: Content = {
  ...{ x: 0.05, y: -0.02, scale: 1.1, tilt: 10, turn: 0 },
  ...{ gazeX: 0, gazeY: 0, smile: 0.5, open: 0, hairLength: 0.5 },
};

/** What a finder would return that finds every feature `shift` from its place, in shares of the face's width. */
function foundAt(content: Content, shift = 0, score = 1): FoundLandmarks {
  const { leftEye, rightEye, mouth } = landmarksOf(content);
  const at = ([x, y]: readonly [number, number]) => ({
    point: [x + shift * HEAD_WIDTH * content.scale, y] as [number, number],
    score,
  });
  return { leftEye: at(leftEye), rightEye: at(rightEye), mouth: at(mouth) };
}

describe('landmarkFigures', () => {
  it('are 0 % and all of the images where everything is in its place', () => {
    const figures = landmarkFigures([foundAt(CONTENT), foundAt(CONTENT)], [CONTENT, CONTENT]);
    expect(figures).toEqual({ median: 0, mean: 0, within5: 1, found: 1 });
  });

  it('are in per cent of the width of the face, and count as in place what is found within 5 %', () => {
    const shifts = [0, 0.02, 0.04, 0.1];
    const found = shifts.map((shift) => foundAt(CONTENT, shift));
    const figures = landmarkFigures(
      found,
      shifts.map(() => CONTENT),
    );
    expect(figures.median).toBeCloseTo(3, 6);
    expect(figures.mean).toBeCloseTo(4, 6);
    expect(figures).toMatchObject({ within5: 0.75, found: 1 });
  });

  it('take no image as found or in place of which one feature is not found', () => {
    const blotched = { ...foundAt(CONTENT), mouth: { ...foundAt(CONTENT).mouth, score: 0.4 } };
    expect(landmarkFigures([blotched], [CONTENT])).toEqual({ median: 0, mean: 0, within5: 0, found: 0 });
  });

  it('need one content for each image', () => {
    expect(() => landmarkFigures([], [])).toThrow(RangeError);
    expect(() => landmarkFigures([foundAt(CONTENT)], [])).toThrow(RangeError);
  });
});

describe('facePlace', () => {
  it('grows with the head, and does not depend on its tilt', () => {
    const sizeOf = (change: Partial<Content>) => facePlace(landmarksOf({ ...CONTENT, ...change })).scale;
    expect(sizeOf({ scale: 2 })).toBeCloseTo((2 / 1.1) * sizeOf({}), 6);
    expect(sizeOf({ tilt: -20 })).toBeCloseTo(sizeOf({}), 6);
  });
});

describe('measures of the sample dataset as instruments, on real anime', () => {
  let finder: LandmarkFinder;
  let samples: Sample[];
  let others: FloatImage[];
  beforeAll(async () => {
    finder = await loadLandmarkFinder();
    samples = await drawnSamples('vivid', 60, { seed: 99 });
    others = (await drawnSamples('vivid', 60, { seed: 100 })).map(({ image }) => image);
  });

  const contents = (): Content[] => samples.map(({ content }) => content);
  const figuresOf = (fault: (sample: Sample) => FloatImage): LandmarkFigures =>
    landmarkFigures(finder.find(samples.map(fault)), contents());
  const plain = ({ image }: Sample): FloatImage => image;

  it('see an eye that is moved, the more the farther', () => {
    const [none, one, two, three] = [0, 1.5, 3, 4.5].map((px) =>
      figuresOf(({ image, content }) => moveFeature(image, content, 'leftEye', [0, px])),
    );
    expect(one!.mean).toBeGreaterThan(none!.mean + 0.3);
    expect(two!.mean).toBeGreaterThan(one!.mean + 0.5);
    expect(three!.mean).toBeGreaterThan(two!.mean + 0.5);
    expect(none!.within5).toBeGreaterThan(0.85);
    expect(three!.within5).toBeLessThan(0.25);
  });

  it('see a smeared mouth as not found, though nothing moved', () => {
    expect(figuresOf(plain).found).toBeGreaterThan(0.95);
    const smeared = figuresOf(({ image, content }) => smearFeature(image, content, 'mouth'));
    expect(smeared.found).toBeLessThan(0.3);
    expect(smeared.within5).toBeLessThan(0.25);
  });

  it('see faces that are mirrored, or those of other inputs, as out of place', () => {
    const right = figuresOf(plain);
    const mirror = figuresOf(({ image }) => mirrored(image));
    const other = landmarkFigures(finder.find(others), contents());
    for (const wrong of [mirror, other]) {
      expect(wrong.median).toBeGreaterThan(3 * right.median);
      expect(wrong.within5).toBeLessThan(0.2);
    }
    expect(placeCorrelation(finder.find(others), contents()).x).toBeLessThan(0.5);
  });

  it('follow place and size of faces, sharp or blurred', () => {
    for (const fault of [plain, ({ image }: Sample) => boxBlurred(image, 1)]) {
      const { x, y, scale } = placeCorrelation(finder.find(samples.map(fault)), contents());
      for (const correlation of [x, y, scale]) expect(correlation).toBeGreaterThan(0.95);
    }
  });

  it('tell blur, doubled outlines and stripes from other real anime by the spectrum', () => {
    const reference = meanSpectrum(others, 64);
    const distance = (fault: (sample: Sample) => FloatImage) =>
      spectrumDistance(meanSpectrum(samples.map(fault), 64), reference);
    const floor = distance(plain);
    expect(floor).toBeLessThan(1);
    const blurs = [1, 2, 3].map((reach) => distance(({ image }) => boxBlurred(image, reach)));
    expect(blurs[0]).toBeGreaterThan(3 * floor);
    expect(blurs[1]).toBeGreaterThan(blurs[0]!);
    expect(blurs[2]).toBeGreaterThan(blurs[1]!);
    const doublings = [1, 2].map((px) => distance(({ image }) => doubled(image, px)));
    for (const value of doublings) expect(value).toBeGreaterThan(2 * floor);
    const stripes = [0.02, 0.05, 0.1].map((amount) => distance(({ image }) => striped(image, amount)));
    expect(stripes[0]).toBeGreaterThan(floor);
    expect(stripes[1]).toBeGreaterThan(stripes[0]!);
    expect(stripes[2]).toBeGreaterThan(stripes[1]!);
  });
});
