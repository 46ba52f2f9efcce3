// Compares where eyes and mouth of images are with where they were drawn.
import { FOUND_SCORE, type FoundLandmarks } from '../landmarks/landmark-finder.js';
import { FEATURES } from '../landmarks/landmark-network.js';
import type { Content } from './factors.js';
import { HEAD_WIDTH, type Landmarks, landmarksOf } from './pose.js';
import { pearson } from './sample-measures.js';

/** Errors up to this share of the face's width count as in place. */
const IN_PLACE = 0.05;

/** How far eyes and mouth are from where they should be. */
export interface LandmarkFigures {
  /** Median over the images of the mean distance of both eyes and the mouth from their places, per cent of the face's width. */
  median: number;
  /** The mean of the same. */
  mean: number;
  /** Share of images in which both eyes and the mouth are found, each within 5 % of the face's width of its place. */
  within5: number;
  /** Share of images in which both eyes and the mouth are found, wherever they are. */
  found: number;
}

/** Place and size of a face in shares of the image, by its features. */
export interface FacePlace {
  /** Half way between the mouth and the middle of the eyes, from the upper left corner. */
  x: number;
  y: number;
  /** Distance of the mouth from the middle of the eyes. */
  scale: number;
}

/** The place and size of a face. */
export function facePlace({ leftEye, rightEye, mouth }: Landmarks): FacePlace {
  const eyes = [(leftEye[0] + rightEye[0]) / 2, (leftEye[1] + rightEye[1]) / 2] as const;
  return {
    x: (eyes[0] + mouth[0]) / 2,
    y: (eyes[1] + mouth[1]) / 2,
    scale: Math.hypot(mouth[0] - eyes[0], mouth[1] - eyes[1]),
  };
}

/** The places of the features that were found. */
export function pointsOf({ leftEye, rightEye, mouth }: FoundLandmarks): Landmarks {
  return { leftEye: leftEye.point, rightEye: rightEye.point, mouth: mouth.point };
}

/**
 * How far eyes and mouth of images are from where the contents have them. Where a feature is not found, the place that
 * looks most like it counts.
 *
 * @param contents those that the images, or the inputs of translations, were drawn from; at least one.
 */
export function landmarkFigures(
  found: readonly FoundLandmarks[],
  contents: readonly Content[],
): LandmarkFigures {
  if (found.length === 0 || found.length !== contents.length)
    throw new RangeError(
      `landmark figures need one content for each image, but got ${contents.length} and ${found.length}`,
    );
  const images = found.map((features, i) => {
    const places = landmarksOf(contents[i]!);
    const errors = FEATURES.map((feature) => {
      const [x, y] = features[feature].point;
      const distance = Math.hypot(x - places[feature][0], y - places[feature][1]);
      return distance / (HEAD_WIDTH * contents[i]!.scale);
    });
    const isFound = FEATURES.every((feature) => features[feature].score >= FOUND_SCORE);
    return {
      error: (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length,
      isFound,
      isInPlace: isFound && errors.every((error) => error <= IN_PLACE),
    };
  });
  const sorted = images.map(({ error }) => error).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    median: (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2,
    mean: meanOf(sorted),
    within5: meanOf(images.map(({ isInPlace }) => Number(isInPlace))),
    found: meanOf(images.map(({ isFound }) => Number(isFound))),
  };
}

/** Correlations over images of the place and size of the faces with those of the contents. @param contents at least two. */
export function placeCorrelation(found: readonly FoundLandmarks[], contents: readonly Content[]): FacePlace {
  const measured = found.map((features) => facePlace(pointsOf(features)));
  const drawn = contents.map((content) => facePlace(landmarksOf(content)));
  const of = (key: keyof FacePlace): number =>
    pearson(
      measured.map((place) => place[key]),
      drawn.map((place) => place[key]),
    );
  return { x: of('x'), y: of('y'), scale: of('scale') };
}
