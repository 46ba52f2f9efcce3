// Detects faces with the SSD network of @vladmandic/face-api.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { DecodedImage } from '../data/decoded-image.js';
import { loadEngine } from '../runtime/node.js';
import type { Face } from './face.js';
import { joinBoxes } from './overlap.js';

/** A loaded face detector. */
export interface FaceDetector {
  /** Returns the faces of an image, the largest first, or an empty list. Boxes may extend beyond the image. */
  find(image: DecodedImage): Promise<Face[]>;
  /** Frees its weights. */
  dispose(): void;
}

/** A longer side above this, px, gains nothing: the detector scales images to 512 px itself. */
export const DETECTOR_PX = 1024;
const MIN_SCORE = 0.5;
const MAX_FACES = 100;
/**
 * The detector sees each image padded to squares of these multiples of its longer side. Its anchor boxes double in size, and
 * it misses one in three faces half way between two of them; the second scale finds those.
 */
const PADDINGS = [1, 1.5];
const PACKAGE = '@vladmandic/face-api';

/** Sorts the largest first, and faces of one size from left to right. */
function byArea(a: Face, b: Face): number {
  return b.width * b.height - a.width * a.height || a.left - b.left || a.top - b.top;
}

/**
 * Loads the face detector of `@vladmandic/face-api` (an SSD over MobileNet v1, trained on WIDER FACE), whose weights come with
 * that package, onto the TensorFlow of this process. It detects photographed faces, from frontal to half profile, and most
 * drawn ones.
 */
export async function loadFaceDetector(): Promise<FaceDetector> {
  // The package uses the engine that is loaded.
  await loadEngine();
  const { default: faceapi } = await import('@vladmandic/face-api/dist/face-api.node-gpu.js');
  const network = new faceapi.SsdMobilenetv1();
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  await network.loadFromDisk(join(dirname(manifest), 'model'));
  const options = { minConfidence: MIN_SCORE, maxResults: MAX_FACES };
  return {
    async find({ data, width, height }) {
      const boxes: Face[] = [];
      for (const padding of PADDINGS) {
        const side = Math.round(padding * Math.max(width, height));
        const pixels = tf.tidy(() =>
          tf.pad(tf.tensor3d(data, [height, width, 3], 'int32'), [
            [0, side - height],
            [0, side - width],
            [0, 0],
          ]),
        );
        try {
          for (const { box, score } of await network.locateFaces(pixels as never, options))
            boxes.push({ left: box.x, top: box.y, width: box.width, height: box.height, score });
        } finally {
          pixels.dispose();
        }
      }
      return joinBoxes(boxes, MIN_SCORE).sort(byArea);
    },
    dispose: () => network.dispose(),
  };
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
