// Loads the face detector in browsers.
import { InputError, messageOf } from '../base/errors.js';
import { FACE_WEIGHTS, type FaceDetector, faceDetectorOf } from '../faces/face-finder.js';

/**
 * Addresses of the two files of the face detector's weights by file name, or the folder that holds them: `model/` of the package
 * `@vladmandic/face-api`, whose `ssd_mobilenetv1_model-weights_manifest.json` and `ssd_mobilenetv1_model.bin` these are.
 */
export type FaceWeightsPaths = string | URL | Readonly<Record<string, string>>;

interface Manifest {
  weights: { shape: number[]; quantization?: unknown }[];
}

function weightsError(found: string, cause?: unknown): InputError {
  return new InputError(
    {
      expected: 'the weights of the face detector',
      found,
      remedy: 'put the two files of @vladmandic/face-api there, or say where they are',
    },
    { cause },
  );
}

function addressOf(paths: FaceWeightsPaths, name: string): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  if (typeof paths === 'string' || paths instanceof URL) {
    const folder = new URL(paths, base);
    if (!folder.pathname.endsWith('/')) folder.pathname += '/';
    return new URL(name, folder).href;
  }
  const path = paths[name];
  if (path === undefined) throw weightsError(`no address of ${name}`);
  return new URL(path, base).href;
}

async function fetched(address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: 'omit' });
  } catch (error) {
    throw weightsError(`no answer from ${address} (${messageOf(error)})`, error);
  }
  // Hosts of single-page apps answer with the page if there is no file.
  const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
  if (!response.ok || isPage)
    throw weightsError(`${isPage ? 'a page' : `status ${response.status}`} at ${address}`);
  return response;
}

/** Returns the size of the weights: a byte for a quantised number, 4 for another one. */
function bytesOf({ weights }: Manifest): number {
  return weights.reduce((total, { shape, quantization }) => {
    const bytes = quantization === undefined ? 4 : 1;
    return total + shape.reduce((product, side) => product * side, bytes);
  }, 0);
}

/**
 * Fetches the weights of the face detector, 5.6 MB.
 *
 * @returns a function that makes the detector on the tfjs backend in use, any number of times.
 * @throws InputError if they are not there.
 */
export async function fetchFaceDetector(paths: FaceWeightsPaths): Promise<() => FaceDetector> {
  const [manifest, weights] = await Promise.all([
    fetched(addressOf(paths, FACE_WEIGHTS.manifest)).then((response) => response.json()),
    fetched(addressOf(paths, FACE_WEIGHTS.weights)).then((response) => response.arrayBuffer()),
  ]).catch((error: unknown) => {
    throw error instanceof InputError ? error : weightsError(messageOf(error), error);
  });
  try {
    const [first] = manifest as Manifest[];
    if (weights.byteLength !== bytesOf(first!)) throw new Error(`${weights.byteLength} bytes`);
  } catch (error) {
    throw weightsError(`damaged ones (${messageOf(error)})`, error);
  }
  return () => {
    try {
      return faceDetectorOf(manifest, weights);
    } catch (error) {
      throw weightsError(`damaged ones (${messageOf(error)})`, error);
    }
  };
}
