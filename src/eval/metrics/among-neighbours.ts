// The common part of metrics that count nearest neighbours among real images and outputs.
import type { FeatureRows } from '../features/feature-cache.js';
import type { FeatureKind } from '../features/feature-kind.js';
import { type CollectedPart, collectedRows, collectFeatures } from './collected.js';
import type { Measured, Measurement, MetricContext } from './metric.js';

interface NeighbourOptions {
  features: FeatureKind;
  neighbours: number;
}

/**
 * Makes the `start` function of such a metric.
 * @param keys its figures.
 * @param compute computes the figures from features of real images and of outputs.
 */
export function amongNeighbours<const Key extends string>(
  keys: readonly Key[],
  compute: (
    real: FeatureRows,
    outputs: FeatureRows,
    options: { neighbours: number; onProgress: MetricContext['onProgress']; signal?: AbortSignal },
  ) => Promise<Record<Key, number>>,
): (options: NeighbourOptions, context: MetricContext) => Measurement<Key, CollectedPart> {
  return ({ features, neighbours }, context) => {
    return {
      measure: (groups) => collectFeatures(features, groups, context),
      async finish(parts) {
        const { resources, real, onProgress, signal } = context;
        const rows = collectedRows(parts);
        const realRows = await resources.features.featuresOf(features, real);
        const values = await compute(realRows, rows, { neighbours, onProgress, ...(signal && { signal }) });
        const n = { outputs: rows.count, real: real.length };
        const how = `k = ${neighbours} nearest neighbours, on ${await resources.features.describe(features)}`;
        return keys.map((key): Measured<Key> => ({ key, value: values[key], n, how }));
      },
    };
  };
}
