import type { DecodedImage } from '../data/decode.js';
import type { ShownGroup } from './evaluate.js';
import type { FeatureDesk, FeatureRows } from './features/desk.js';
import { fileImage, type MeasuredImage } from './pictures.js';
import type { FeatureKind } from './protocol.js';

/** A picture and those of a training set that lie nearest to it. */
export interface NearestPictures {
  picture: DecodedImage;
  /** Nearest first; the distance is that of the features. */
  nearest: { name: string; picture: DecodedImage; distance: number }[];
}

export interface NearestReport {
  outputs: NearestPictures[];
  /** Mean distance of real pictures, which are not of the training set, to the nearest of it; null where there are none. */
  realDistance: number | null;
}

export interface NearestOptions {
  features: FeatureDesk;
  kind: FeatureKind;
  shown: readonly ShownGroup[];
  /** Files that the model was trained on. */
  training: readonly string[];
  /** Pictures of the same domain, for comparison. */
  real: readonly MeasuredImage[];
  onProgress?: (done: number) => void;
  signal?: AbortSignal | undefined;
}

const NEAREST = 3;
const OUTPUTS = 8;
const COMPARED = 100;

function distance(a: FeatureRows, i: number, b: FeatureRows, j: number): number {
  let sum = 0;
  for (let d = 0; d < a.dims; d++) sum += (a.values[i * a.dims + d]! - b.values[j * b.dims + d]!) ** 2;
  return Math.sqrt(sum);
}

/** The training pictures nearest to some outputs: outputs that come close to a picture have learnt it by heart. */
export async function nearestTrainingPictures({
  features,
  kind,
  shown,
  training,
  real,
  onProgress,
  signal,
}: NearestOptions): Promise<NearestReport> {
  const files = training.map(fileImage);
  const known = await features.featuresOf(kind, files, { ...(onProgress && { onProgress }), signal });
  const outputs = shown.slice(0, OUTPUTS).map(({ images }) => images[0]!);
  const made = await features.featuresOf(kind, outputs, { signal });
  const results: NearestPictures[] = [];
  for (const [i, output] of outputs.entries()) {
    const order = files
      .map((file, j) => ({ file, distance: distance(made, i, known, j) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, NEAREST);
    results.push({
      picture: await output.read(),
      nearest: await Promise.all(
        order.map(async (entry) => ({
          name: entry.file.name,
          picture: await entry.file.read(),
          distance: entry.distance,
        })),
      ),
    });
  }
  const names = new Set(training);
  const others = real.filter(({ name }) => !names.has(name)).slice(0, COMPARED);
  if (others.length === 0) return { outputs: results, realDistance: null };
  const compared = await features.featuresOf(kind, others, { signal });
  let sum = 0;
  for (let i = 0; i < compared.count; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < known.count; j++) least = Math.min(least, distance(compared, i, known, j));
    sum += least;
  }
  return { outputs: results, realDistance: sum / compared.count };
}
