// Loads the face detector from the package @vladmandic/face-api.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { loadEngine } from '../runtime/node.js';
import { FACE_WEIGHTS, type FaceDetector, faceDetectorOf } from './face-finder.js';

export { DETECTOR_PX } from './face.js';
export type { FaceDetector } from './face-finder.js';

const PACKAGE = '@vladmandic/face-api';

/** Loads the face detector, whose weights come with `@vladmandic/face-api`, onto the TensorFlow of this process. */
export async function loadFaceDetector(): Promise<FaceDetector> {
  const folder = join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'model');
  const [manifest, weights] = await Promise.all([
    readFile(join(folder, FACE_WEIGHTS.manifest), 'utf8'),
    readFile(join(folder, FACE_WEIGHTS.weights)),
    loadEngine(),
  ]);
  // A copy: the file may lie anywhere in a larger buffer.
  return faceDetectorOf(JSON.parse(manifest), new Uint8Array(weights).buffer);
}

/** A detector that is loaded on first use. */
export interface LazyFaceDetector {
  /** Returns the detector, the same one for every call. */
  get(): Promise<FaceDetector>;
  /** Frees the detector if it was loaded. */
  dispose(): Promise<void>;
}

/** Makes a detector that is loaded on first use. */
export function lazyFaceDetector(): LazyFaceDetector {
  let loading: Promise<FaceDetector> | undefined;
  return {
    get() {
      loading ??= loadFaceDetector();
      return loading;
    },
    async dispose() {
      // The caller of get() has received the error of a failed load.
      (await loading?.catch(() => undefined))?.dispose();
    },
  };
}
