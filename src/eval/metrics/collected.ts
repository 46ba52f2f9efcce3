// Collects the features of all outputs, for metrics that compare distributions.
import type { FeatureRows } from '../features/feature-cache.js';
import type { FeatureKind } from '../features/feature-kind.js';
import { joinRows } from '../features/output-features.js';
import type { MeasuredImage } from '../measured-image.js';
import type { OutputGroup } from '../methods/method.js';
import type { MetricContext } from './metric.js';

/** Features of all outputs, each image once, since copies are not samples of a distribution. */
export class CollectedFeatures {
  private readonly vectors: Float32Array[] = [];
  /** Weak, so that the pixels of images in memory are freed once they are measured. */
  private readonly seen = new WeakSet<MeasuredImage>();

  constructor(
    private readonly kind: FeatureKind,
    private readonly context: MetricContext,
  ) {}

  async add(groups: readonly OutputGroup[]): Promise<void> {
    const images = [...new Set(groups.flatMap(({ outputs }) => outputs))].filter(
      (image) => !this.seen.has(image),
    );
    for (const image of images) this.seen.add(image);
    this.vectors.push(...(await this.context.outputFeatures(this.kind, images)));
  }

  rows(): FeatureRows {
    return joinRows(this.vectors);
  }
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
