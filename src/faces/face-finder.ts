// Finds the faces of images with the detector's network, on any tfjs backend; needs nothing of Node.
import * as tf from '@tensorflow/tfjs-core';
import type { DecodedImage } from '../data/decoded-image.js';
import { filterTable, resample, TRIANGLE } from '../data/resample.js';
import type { Face } from './face.js';
import { joinBoxes, strongestBoxes } from './overlap.js';
import { SSD_PX, SsdMobileNet } from './ssd-mobilenet.js';

/** A loaded face detector. */
export interface FaceDetector {
  /**
   * Returns the faces of an image, the largest first, or an empty list. Boxes may extend beyond the image.
   *
   * @param paddings multiples of the longer side to which the image is padded, `PADDINGS` by default. The cost of each falls
   *   with its square.
   */
  find(image: DecodedImage, paddings?: readonly number[]): Promise<Face[]>;
  /** Frees its weights. */
  dispose(): void;
}

const MIN_SCORE = 0.5;
const MAX_FACES = 100;
/**
 * The detector sees each image padded to squares of these multiples of its longer side. Its anchor boxes double in size, and
 * it misses one in three faces half way between two of them; the second scale finds those.
 */
const PADDINGS: readonly number[] = [1, 1.5];
/** The network computes the image and as much of the black around it, px, then up to the next multiple. */
const BLACK_PX = 32;
const MULTIPLE_PX = 64;

/** The files of the weights in the package @vladmandic/face-api. */
export const FACE_WEIGHTS = {
  manifest: 'ssd_mobilenetv1_model-weights_manifest.json',
  weights: 'ssd_mobilenetv1_model.bin',
} as const;

/** Sorts the largest first, and faces of one size from left to right. */
function byArea(a: Face, b: Face): number {
  return b.width * b.height - a.width * a.height || a.left - b.left || a.top - b.top;
}

/**
 * Scales an image to the network's square, and pads it. What the network computes far beyond the image is left out: it is the
 * same for every image, so that the faces differ by less than a thousandth.
 *
 * @returns `[height, width, 3]`, 0 to 255, at most `SSD_PX` px.
 */
function padded(image: DecodedImage, side: number): tf.Tensor3D {
  const scale = side / SSD_PX;
  const shrunk = (length: number): number => Math.min(SSD_PX, Math.max(1, Math.ceil(length / scale)));
  const [width, height] = [shrunk(image.width), shrunk(image.height)];
  const values = resample(
    image,
    filterTable(TRIANGLE, image.width, width, 0, width * scale),
    filterTable(TRIANGLE, image.height, height, 0, height * scale),
  );
  const computed = (length: number): number =>
    Math.min(SSD_PX, Math.ceil((length + BLACK_PX) / MULTIPLE_PX) * MULTIPLE_PX);
  return tf.tidy(() =>
    tf.pad(tf.tensor3d(values, [height, width, 3]), [
      [0, computed(height) - height],
      [0, computed(width) - width],
      [0, 0],
    ]),
  );
}

/**
 * Makes the detector of its weights: an SSD over MobileNet v1, trained on WIDER FACE, which detects photographed faces, from
 * frontal to half profile, and most drawn ones.
 *
 * @param manifest the parsed `FACE_WEIGHTS.manifest`. @param weights the content of `FACE_WEIGHTS.weights`.
 */
export function faceDetectorOf(manifest: unknown, weights: ArrayBuffer): FaceDetector {
  const specs = (manifest as { weights: tf.io.WeightsManifestEntry[] }[])[0]!.weights;
  const tensors = tf.io.decodeWeights(weights, specs);
  let network: SsdMobileNet;
  try {
    network = new SsdMobileNet(tensors);
  } finally {
    tf.dispose(tensors);
  }
  return {
    async find(image, paddings = PADDINGS) {
      const faces: Face[] = [];
      for (const padding of paddings) {
        const side = Math.round(padding * Math.max(image.width, image.height));
        const pixels = padded(image, side);
        try {
          const boxes = (await network.boxes(pixels, MIN_SCORE)).map(
            ({ left, top, right, bottom, score }) => ({
              ...{ left: left * side, top: top * side },
              ...{ width: (right - left) * side, height: (bottom - top) * side },
              score,
            }),
          );
          faces.push(...strongestBoxes(boxes, MAX_FACES));
        } finally {
          pixels.dispose();
        }
      }
      return joinBoxes(faces, MIN_SCORE).sort(byArea);
    },
    dispose: () => network.dispose(),
  };
}
