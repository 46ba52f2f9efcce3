// Finds eyes and mouth of a drawn face, with the landmark network.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../base/hash.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { fromFloat } from '../data/decoded-image.js';
import type { FloatImage } from '../data/diversity.js';
import { filterTable, resample, TRIANGLE } from '../data/resample.js';
import { type ParameterValues, sizeOf } from '../model/parameters.js';
import { type CapturedPrograms, capture } from '../runtime/capture/capture.js';
import { loadEngine } from '../runtime/node.js';
import {
  FEATURES,
  type Feature,
  INPUT_PX,
  landmarkMaps,
  landmarkSpecs,
  MAP_CELLS,
} from './landmark-network.js';

/** The weights in the package, which scripts/train-landmarks.mjs makes. */
export const LANDMARK_WEIGHTS = fileURLToPath(
  new URL('../../models/landmarks/model.safetensors', import.meta.url),
);

/** A feature of a face with this score or more is found. */
export const FOUND_SCORE = 0.5;

/** Images that the network sees together; an image's result does not depend on the others. */
const BATCH = 16;
/** A feature's place is the mean of its heat map up to so many cells around the highest one. */
const WINDOW_CELLS = 3;

/** Where a feature of a face seems to be. */
export interface FoundFeature {
  /** Its middle, in shares of the image's width and height from the upper left corner. */
  point: [x: number, y: number];
  /** Probability that it is there: 0 to 1. */
  score: number;
}

/** The features of a face; left and right are those of the image. */
export type FoundLandmarks = Record<Feature, FoundFeature>;

/** Finds eyes and mouth in images of faces as the sample dataset draws them, or a model trained on it. */
export class LandmarkFinder {
  private readonly programs: CapturedPrograms<'maps'>;

  /**
   * @param values the network's parameters by path. The engine has to be loaded.
   * @param name how receipts name the weights.
   */
  constructor(
    values: ParameterValues,
    readonly name = 'the landmark network with other weights',
  ) {
    const variables = Object.entries(landmarkSpecs).map(([path, { shape }]) => [
      path,
      { shape, dtype: 'float32' as const },
    ]);
    this.programs = capture(
      {
        maps: {
          inputs: { images: { shape: [BATCH, INPUT_PX, INPUT_PX, 3], dtype: 'float32' } },
          run: (params, { images }) => ({ outputs: { maps: landmarkMaps(params, images!) } }),
        },
      },
      Object.fromEntries(variables),
    );
    this.programs.write(values);
  }

  /** Returns what it finds in each image, of any size. Where nothing is found, places mean nothing. */
  find(images: readonly FloatImage[]): FoundLandmarks[] {
    const found: FoundLandmarks[] = [];
    const pixels = INPUT_PX ** 2 * 3;
    const batch = new Float32Array(BATCH * pixels);
    for (let from = 0; from < images.length; from += BATCH) {
      const some = images.slice(from, from + BATCH);
      for (const [i, image] of some.entries()) batch.set(networkInput(image), i * pixels);
      const { maps } = this.programs.run('maps', { images: batch });
      for (const i of some.keys()) found.push(landmarksOfMaps(maps as Float32Array, i));
    }
    return found;
  }

  dispose(): void {
    this.programs.dispose();
  }
}

/** Reads the weights of the package. @throws InputError for a missing or damaged file. */
export async function readLandmarkWeights(): Promise<ParameterValues> {
  const { tensors } = await readSafetensors(LANDMARK_WEIGHTS);
  return Object.fromEntries(
    Object.entries(landmarkSpecs).map(([path, { shape }]) => {
      const data = tensors.get(path)?.data;
      if (data?.length !== sizeOf(shape)) throw new Error(`${LANDMARK_WEIGHTS} lacks ${path} of [${shape}]`);
      return [path, data as Float32Array];
    }),
  );
}

let loading: Promise<LandmarkFinder> | undefined;

/** The finder with the weights of the package, one for the whole process. Loads the engine. */
export function loadLandmarkFinder(): Promise<LandmarkFinder> {
  loading ??= openFinder().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function openFinder(): Promise<LandmarkFinder> {
  await loadEngine();
  const values = await readLandmarkWeights();
  const hash = sha256(await readFile(LANDMARK_WEIGHTS));
  return new LandmarkFinder(
    values,
    `the landmark network of models/landmarks (SHA-256 ${hash.slice(0, 12)}...)`,
  );
}

/** An image at the size of the network, rounded to 8 bits as in files. */
function networkInput({ data, width, height }: FloatImage): Float32Array {
  const bytes = fromFloat(data, width, height);
  const pixels =
    width === INPUT_PX && height === INPUT_PX
      ? bytes.data
      : resample(bytes, filterTable(TRIANGLE, width, INPUT_PX), filterTable(TRIANGLE, height, INPUT_PX));
  return Float32Array.from(pixels, (value) => value / 127.5 - 1);
}

/** The landmarks of image `i` of a batch of heat maps. */
function landmarksOfMaps(maps: Float32Array, i: number): FoundLandmarks {
  const entries = FEATURES.map((feature, k) => [feature, featureOf(maps, i, k)]);
  return Object.fromEntries(entries) as FoundLandmarks;
}

function featureOf(maps: Float32Array, image: number, feature: number): FoundFeature {
  const logit = (row: number, column: number): number =>
    maps[((image * MAP_CELLS + row) * MAP_CELLS + column) * FEATURES.length + feature]!;
  const peak = { row: 0, column: 0, logit: Number.NEGATIVE_INFINITY };
  for (let row = 0; row < MAP_CELLS; row++)
    for (let column = 0; column < MAP_CELLS; column++)
      if (logit(row, column) > peak.logit) Object.assign(peak, { row, column, logit: logit(row, column) });
  let [x, y, near, all] = [0, 0, 0, 0];
  for (let row = 0; row < MAP_CELLS; row++)
    for (let column = 0; column < MAP_CELLS; column++) {
      const weight = Math.exp(logit(row, column) - peak.logit);
      all += weight;
      if (Math.max(Math.abs(row - peak.row), Math.abs(column - peak.column)) > WINDOW_CELLS) continue;
      near += weight;
      x += weight * (column + 0.5);
      y += weight * (row + 0.5);
    }
  return {
    point: [x / near / MAP_CELLS, y / near / MAP_CELLS],
    score: all / (all + Math.exp(-peak.logit)),
  };
}
