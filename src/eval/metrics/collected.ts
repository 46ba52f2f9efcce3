// Collects the features of all outputs, for metrics that compare distributions.
import type { FeatureRows } from '../features/feature-cache.js';
import type { FeatureKind } from '../features/feature-kind.js';
import { joinRows } from '../features/output-features.js';
import type { MeasuredImage } from '../measured-image.js';
import type { OutputGroup } from '../methods/method.js';
import type { MetricContext } from './metric.js';

/** Something of an image. */
export interface OfImage {
  /** The path of an image that is a file, which other batches may have too; images in memory are in one batch. */
  file: string | undefined;
}

/** Features of a batch of outputs. */
export type CollectedPart = (OfImage & { features: Float32Array })[];

export const fileOf = ({ name, hash }: MeasuredImage): string | undefined =>
  hash === undefined ? undefined : name;

/** Leaves out what comes from a file again. */
export function onceEach<T extends OfImage>(items: readonly T[]): T[] {
  const seen = new Set<string>();
  return items.filter(({ file }) => {
    if (file === undefined) return true;
    const isNew = !seen.has(file);
    seen.add(file);
    return isNew;
  });
}

/** Features of a batch of outputs, each image once. */
export async function collectFeatures(
  kind: FeatureKind,
  groups: readonly OutputGroup[],
  { outputFeatures }: Pick<MetricContext, 'outputFeatures'>,
): Promise<CollectedPart> {
  const images = [...new Set(groups.flatMap(({ outputs }) => outputs))];
  const features = await outputFeatures(kind, images);
  return images.map((image, i) => ({ file: fileOf(image), features: features[i]! }));
}

/** Features of all outputs, each image once, since copies are not samples of a distribution. */
export function collectedRows(parts: readonly CollectedPart[]): FeatureRows {
  return joinRows(onceEach(parts.flat()).map(({ features }) => features));
}

/** Returns the problem if a metric that compares two sets has too few images; undefined if it has enough. */
export function tooFew(
  { method, real }: Pick<MetricContext, 'method' | 'real'>,
  min: { outputs: number; real: number },
): string | undefined {
  if (method.outputs < min.outputs)
    return `needs ${min.outputs} outputs, but there are only ${method.outputs}`;
  return real.length < min.real
    ? `needs ${min.real} real images, but there are only ${real.length}`
    : undefined;
}
