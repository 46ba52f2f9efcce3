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

/** The distance of the outputs of one input. */
interface Distance {
  distance: number;
  outputs: number;
}

async function distanceOf(
  features: FeatureKind,
  outputs: AsyncIterable<readonly MeasuredImage[]> | Iterable<readonly MeasuredImage[]>,
  { outputFeatures, resources, real }: MetricContext,
): Promise<Distance> {
  const vectors: Float32Array[] = [];
  for await (const batch of outputs) vectors.push(...(await outputFeatures(features, batch)));
  const statistics = await resources.features.statisticsOf(features, real);
  return {
    distance: frechetDistance(featureStatistics(joinRows(vectors)), statistics),
    outputs: vectors.length,
  };
}

async function figuresOf(
  features: FeatureKind,
  measured: readonly Distance[],
  { resources, real }: MetricContext,
): Promise<Measured<'dfid'>[]> {
  const value = measured.reduce((sum, { distance }) => sum + distance, 0) / measured.length;
  const counts = measured.map(({ outputs }) => outputs);
  const [min, max] = [Math.min(...counts), Math.max(...counts)];
  const n = { inputs: measured.length, styles: min, real: real.length };
  const count = min === max ? String(min) : `${min} to ${max}`;
  const how = `mean over ${measured.length} inputs of the Frechet distance between ${count} outputs of one input and the real images, on ${await resources.features.describe(features)}`;
  return [{ key: 'dfid', value, n, how }];
}

/** Measures on the outputs that all metrics see. */
function overGroups({ features, inputs }: Options, context: MetricContext): Measurement<'dfid', Distance[]> {
  // Other ranks measure other inputs: this one's first ones have those of its that count.
  let measuredHere = 0;
  return {
    async measure(groups) {
      const measured: Distance[] = [];
      for (const { outputs } of groups) {
        if (measuredHere >= inputs || outputs.length < 2) continue;
        measuredHere++;
        measured.push(await distanceOf(features, [outputs], context));
      }
      return measured;
    },
    finish(parts) {
      const measured = parts.flat().slice(0, inputs);
      return measured.length === 0 ? [] : figuresOf(features, measured, context);
    },
  };
}

/** Measures on outputs made for this metric. */
function overExtraOutputs(
  { features, inputs, styles }: Options,
  context: MetricContext,
): Measurement<'dfid', Distance> {
  const { method, seed } = context;
  return {
    count: Math.min(inputs, method.inputs),
    measureItem: (input) => distanceOf(features, method.outputsOf!(input, styles, seed), context),
    finish: (parts) => figuresOf(features, parts, context),
  };
}
