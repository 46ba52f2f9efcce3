// A photo with known faces, and a detector that finds given ones.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FaceDetector } from '../../src/faces/detector.js';
import type { Face } from '../../src/faces/face.js';
import { FACE_WEIGHTS } from '../../src/faces/face-finder.js';

const manifest = createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json');

/** A photo of three people beside each other, 1920 x 1280 px, from the detector's package. */
export const PHOTO_OF_THREE = join(dirname(manifest), 'demo', 'sample1.jpg');

/** The file of the detector's weights, in the folder of its package that has them. */
export const WEIGHTS = join(dirname(manifest), 'model', FACE_WEIGHTS.weights);

/** Positions of their noses, px, the largest face first. */
export const NOSES_OF_THREE = [
  [1549, 340],
  [915, 540],
  [490, 490],
] as const;

/** A detector that finds the same faces in every image. */
export function fixedDetector(...faces: Omit<Face, 'score'>[]): FaceDetector {
  return { find: async () => faces.map((face) => ({ ...face, score: 1 })), dispose: () => undefined };
}
