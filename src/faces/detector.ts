import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { DecodedImage } from '../data/decode.js';
import { loadEngine } from '../runtime/node.js';
import { joinBoxes } from './overlap.js';

/** A face in an image: the box from forehead to chin, px from the image's top left corner. */
export interface Face {
  left: number;
  top: number;
  width: number;
  height: number;
  /** How sure the detector is, 0 to 1. */
  score: number;
}

/** Finds faces. */
export interface FaceDetector {
  /** Faces of an image, the largest first; none is an answer too. Boxes may reach beyond the image's edges. */
  find(image: DecodedImage): Promise<Face[]>;
  /** Frees its weights. */
  dispose(): void;
}

/** Images of this longer side are all that the detector looks at: it scales larger ones to 512 px itself. */
export const DETECTOR_PX = 1024;
const MIN_SCORE = 0.5;
const MAX_FACES = 100;
/**
 * Images are looked at with so much room beside them, as a multiple of their longer side: the boxes that the detector
 * tries double in size, and of faces half way between two of them it misses one in three.
 */
const ROOMS = [1, 1.5];
const PACKAGE = '@vladmandic/face-api';

/** The largest first; of one size, from left to right. */
function byArea(a: Face, b: Face): number {
  return b.width * b.height - a.width * a.height || a.left - b.left || a.top - b.top;
}

/**
 * Loads the face detector of `@vladmandic/face-api` (an SSD over MobileNet v1, trained on WIDER FACE), whose weights are a
 * part of that package, onto this process' TensorFlow. It knows photographed faces, frontal to half profile, and most
 * drawn ones.
 */
export async function loadFaceDetector(): Promise<FaceDetector> {
  // The package takes the engine as it finds it.
  await loadEngine();
  const { default: faceapi } = await import('@vladmandic/face-api/dist/face-api.node-gpu.js');
  const network = new faceapi.SsdMobilenetv1();
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`);
  await network.loadFromDisk(join(dirname(manifest), 'model'));
  const options = { minConfidence: MIN_SCORE, maxResults: MAX_FACES };
  return {
    async find({ data, width, height }) {
      const boxes: Face[] = [];
      for (const room of ROOMS) {
        const side = Math.round(room * Math.max(width, height));
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

/** A detector that is loaded when it is first asked for. */
export interface LazyFaceDetector {
  /** The detector, the same for every call. */
  get(): Promise<FaceDetector>;
  /** Frees it, where it was loaded. */
  dispose(): Promise<void>;
}

/** A detector for whoever may not need one. */
export function lazyFaceDetector(): LazyFaceDetector {
  let loading: Promise<FaceDetector> | undefined;
  return {
    get() {
      loading ??= loadFaceDetector();
      return loading;
    },
    async dispose() {
      // Why it does not load, whoever asked for it has heard.
      (await loading?.catch(() => undefined))?.dispose();
    },
  };
}
