// The public library in browsers: finds faces in images.

import { DETECTOR_PX, type Face } from '../faces/face.js';
import type { FaceDetector } from '../faces/face-finder.js';
import { scaledFace } from '../faces/square.js';
import type { EngineSession, Resident, WebEngine } from './engine-session.js';
import type { FaceWeightsPaths } from './face-weights.js';
import { type ImageSource, type OpenedImage, openImageSource } from './image-source.js';
import type { WasmPaths, WebBackend } from './web.js';
import { claimWebEngine } from './web-engine.js';

/** Options of `loadFaceFinder`. */
export interface FaceFinderOptions {
  /** The tfjs backend, chosen as `loadModel` chooses it. */
  backend?: WebBackend | undefined;
  /** Addresses of the binaries of `@tensorflow/tfjs-backend-wasm`, as for `loadModel`. */
  wasmPaths?: WasmPaths | undefined;
}

/** A face detector, ready to find faces. */
export interface FaceFinder {
  /** The engine that computes, which models share. */
  readonly engine: WebEngine;
  /**
   * Finds the faces of an image.
   *
   * @returns the largest first, px of the upright image; an empty list without one. Boxes may extend beyond the image.
   * @throws InputError for an image that cannot be read.
   */
  find(source: ImageSource): Promise<Face[]>;
  /** Frees its memory; it cannot be used afterwards. */
  dispose(): void;
}

/** The detector of each finder, for `translate`. */
const detectors = new WeakMap<FaceFinder, { session: EngineSession; detector: Resident<FaceDetector> }>();

/** Finds the faces of an opened image. */
export async function facesOf(finder: FaceFinder, image: OpenedImage): Promise<Face[]> {
  const loaded = detectors.get(finder);
  if (loaded === undefined) throw new RangeError('The face finder was disposed of, or is not one.');
  const copy = image.copy(DETECTOR_PX);
  const scale = image.width / copy.width;
  const faces = await loaded.session.compute(() => loaded.detector.get().find(copy));
  return faces.map((face) => scaledFace(face, scale));
}

/**
 * Loads the face detector in a browser, in a page or a worker: the one of `gnr translate --face`. The first call starts a tfjs
 * backend, unless a model has.
 *
 * @param weights where its weights are, which the page must serve: 5.6 MB, which come with the package `@vladmandic/face-api`.
 * @throws InputError if they are not there, or no backend works.
 * @example
 * ```ts
 * import { loadFaceFinder, loadModel, translate } from 'gans-n-roses/web';
 *
 * const model = await loadModel('models/first/');
 * const faceFinder = await loadFaceFinder('face-api/model/');
 * const photo = document.querySelector('img')!;
 * const faces = await faceFinder.find(photo);
 * console.log(`${faces.length} faces`);
 * const [largest] = await translate(model, photo, { face: 'largest', faceFinder });
 * console.log(largest!.square);
 * ```
 */
export async function loadFaceFinder(
  weights: FaceWeightsPaths,
  { backend, wasmPaths }: FaceFinderOptions = {},
): Promise<FaceFinder> {
  const { engine, session, release } = await claimWebEngine({
    backend,
    ...(wasmPaths !== undefined && { wasmPaths }),
  });
  try {
    // The network is loaded by those who need it.
    const { fetchFaceDetector } = await import('./face-weights.js');
    const detector = session.resident(await fetchFaceDetector(weights));
    await session.compute(async () => void detector.get());
    const finder: FaceFinder = {
      engine,
      async find(source) {
        const image = await openImageSource(source);
        try {
          return await facesOf(finder, image);
        } finally {
          image.close();
        }
      },
      dispose() {
        if (detectors.delete(finder)) detector.dispose();
        release();
      },
    };
    detectors.set(finder, { session, detector });
    return finder;
  } catch (error) {
    release();
    throw error;
  }
}
