// The DFID metric.
import { z } from 'zod';
import type { FeatureKind } from '../features/feature-kind.js';
import { joinRows } from '../features/output-features.js';
import type { MeasuredImage } from '../measured-image.js';
import { featureStatistics, frechetDistance } from '../statistics/frechet.js';
import { defineMetric, type Measured, type Measurement, type MetricContext } from './metric.js';
import { count, drawnCount, features } from './options.js';

const options = z.strictObject({
  /** Network of the features. */
  features,
  /** Maximum number of test inputs, the first of the folder. */
  inputs: count.default(10),
  /** Random styles of each. */
  styles: drawnCount.default(100),
});
type Options = z.infer<typeof options>;

/**
 * Diversity FID (GANs N' Roses, section 4): the FID between the outputs of one input in random styles and the real
 * images, averaged over several inputs. It is low if every single face gives images as diverse as the real ones. The
 * paper does not state its counts; the protocol states those used here.
 */
export const dfid = defineMetric({
  summary: "GANs N' Roses' diversity FID: the FID of the outputs of each of some single inputs, averaged",
  family: 'diversity',
  options,
  headings: () => ({ dfid: { title: 'DFID', better: 'lower' } }),
  // The outputs of one input at a time, one per style.
  covarianceOf: ['styles', 'real'],
  requires: ({ features }) => ({ features }),
  problem: ({ method }) =>
    method.outputsOf === undefined && method.outputsPerInput === 1
      ? 'there is only one output of each input'
      : undefined,
  start(options, context) {
    return context.method.outputsOf === undefined
      ? overGroups(options, context)
      : overExtraOutputs(options, context);
  },
});

type Work = { features: FeatureKind; context: MetricContext; distances: number[] };

async function addDistance(
  { features, context, distances }: Work,
  outputs: AsyncIterable<readonly MeasuredImage[]> | Iterable<readonly MeasuredImage[]>,
): Promise<void> {
  const vectors: Float32Array[] = [];
  for await (const batch of outputs) vectors.push(...(await context.outputFeatures(features, batch)));
  const real = await context.resources.features.statisticsOf(features, context.real);
  distances.push(frechetDistance(featureStatistics(joinRows(vectors)), real));
}

async function figuresOf(
  { features, context, distances }: Work,
  styles: { min: number; max: number },
): Promise<Measured<'dfid'>[]> {
  const { resources } = context;
  const value = distances.reduce((a, b) => a + b, 0) / distances.length;
  const { min, max } = styles;
  const n = { inputs: distances.length, styles: min, real: context.real.length };
  const count = min === max ? String(min) : `${min} to ${max}`;
  const how = `mean over ${distances.length} inputs of the Frechet distance between ${count} outputs of one input and the real images, on ${await resources.features.describe(features)}`;
  return [{ key: 'dfid', value, n, how }];
}

/** Measures on the outputs that all metrics see. */
function overGroups({ features, inputs }: Options, context: MetricContext): Measurement<'dfid'> {
  const work: Work = { features, context, distances: [] };
  const styles = { min: Number.POSITIVE_INFINITY, max: 0 };
  return {
    async add(groups) {
      for (const { outputs } of groups) {
        if (work.distances.length >= inputs || outputs.length < 2) continue;
        styles.min = Math.min(styles.min, outputs.length);
        styles.max = Math.max(styles.max, outputs.length);
        await addDistance(work, [outputs]);
      }
    },
    finish: () => (work.distances.length === 0 ? [] : figuresOf(work, styles)),
  };
}

/** Measures on outputs made for this metric. */
function overExtraOutputs(
  { features, inputs, styles }: Options,
  context: MetricContext,
): Measurement<'dfid'> {
  const { method, seed, onProgress, signal } = context;
  return {
    async finish() {
      const work: Work = { features, context, distances: [] };
      const count = Math.min(inputs, method.inputs);
      for (let input = 0; input < count; input++) {
        signal?.throwIfAborted();
        await addDistance(work, method.outputsOf!(input, styles, seed));
        onProgress(input + 1, count);
      }
      return await figuresOf(work, { min: styles, max: styles });
    },
  };
}
