// What follows from the registry of metrics: a protocol's schema of them, and the metrics that it chooses.
import { z } from 'zod';
import type { Heading, Measurement, Metric, MetricContext, Requirements } from './metric.js';
import { type MetricName, metrics } from './registry.js';

export const METRIC_NAMES = Object.keys(metrics) as MetricName[];

type OptionsSchemas = {
  [Name in keyof typeof metrics]: z.ZodOptional<(typeof metrics)[Name]['options']>;
};

/** A protocol's metrics, each with everything that decides its value. A metric without an entry is not measured. */
export const metricsSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(metrics).map(([name, { options }]) => [name, options.optional()]),
  ) as OptionsSchemas,
);

/** A metric with its options in a protocol. */
export interface ChosenMetric {
  name: MetricName;
  headings: Readonly<Record<string, Heading>>;
  requires: Requirements;
  /** Returns why it cannot be measured on a method; undefined if it can. */
  problem(context: Pick<MetricContext, 'method' | 'real' | 'resources'>): Promise<string | undefined>;
  start(context: MetricContext): Measurement | Promise<Measurement>;
}

/** The metrics that a protocol measures, in the order of tables. */
export function chosenMetrics(chosen: z.infer<typeof metricsSchema>): ChosenMetric[] {
  return METRIC_NAMES.flatMap((name): ChosenMetric[] => {
    const metric: Metric = metrics[name];
    const options = chosen[name];
    if (options === undefined) return [];
    return [
      {
        name,
        headings: metric.headings(options),
        requires: metric.requires?.(options) ?? {},
        problem: async (context) => metric.problem?.(context, options),
        start: (context) => metric.start(options, context),
      },
    ];
  });
}
