// Finds the training images nearest to a model's outputs, to reveal memorised ones.
import { basename } from 'node:path';
import type { FeatureCache, FeatureRows } from './features/feature-cache.js';
import type { FeatureKind } from './features/feature-kind.js';
import type { MethodEvaluation, ShownGroup } from './measure-methods.js';
import type { MeasuredImage } from './measured-image.js';
import type { NearestImages } from './report/galleries.js';

export interface NearestOptions {
  features: FeatureCache;
  kind: FeatureKind;
  method: MethodEvaluation;
  /** The model's training images. */
  training: readonly MeasuredImage[];
  /** Images of the same domain that the model was not trained on, for comparison. */
  unseen: readonly MeasuredImage[];
  signal?: AbortSignal | undefined;
}

function shownName({ input, images }: ShownGroup): string {
  return input === undefined ? basename(images[0]!.name) : `input ${input + 1}`;
}

/** Number of neighbours in the report. */
const NEIGHBOURS = 4;

function distance(a: FeatureRows, i: number, b: FeatureRows, j: number): number {
  let sum = 0;
  for (let d = 0; d < a.dims; d++) sum += (a.values[i * a.dims + d]! - b.values[j * b.dims + d]!) ** 2;
  return Math.sqrt(sum);
}

/** The rows of `others` nearest to one row, the nearest first. */
function nearestOf(rows: FeatureRows, i: number, others: FeatureRows): { index: number; distance: number }[] {
  return Array.from({ length: others.count }, (_, index) => ({
    index,
    distance: distance(rows, i, others, index),
  }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, NEIGHBOURS);
}

/**
 * Finds the training images nearest to a method's first outputs. Outputs far nearer to them than real images are, were
 * memorised.
 */
export async function nearestTrainingImages(options: NearestOptions): Promise<NearestImages> {
  const { features, kind, method, training, unseen, signal } = options;
  const trainingRows = await features.featuresOf(kind, training, { signal });
  const outputs = method.shown.map(({ images }) => images[0]!);
  const outputRows = await features.featuresOf(kind, outputs, { signal });
  const unseenRows = unseen.length === 0 ? undefined : await features.featuresOf(kind, unseen, { signal });
  return {
    method: method.result.name,
    how: `Euclidean distance of ${await features.describe(kind)}`,
    outputs: await Promise.all(
      outputs.map(async (output, i) => ({
        label: shownName(method.shown[i]!),
        image: await output.read(),
        neighbours: await Promise.all(
          nearestOf(outputRows, i, trainingRows).map(async ({ index, distance: nearness }) => ({
            label: basename(training[index]!.name),
            image: await training[index]!.read(),
            distance: nearness,
          })),
        ),
      })),
    ),
    realDistances: Array.from(
      { length: unseenRows?.count ?? 0 },
      (_, i) => nearestOf(unseenRows!, i, trainingRows)[0]!.distance,
    ),
  };
}
