// The registry of all metrics, and what follows from it for protocols and evaluations.
import { z } from 'zod';
import { contentConsistency } from './content-consistency.js';
import { cycleError } from './cycle-error.js';
import { densityCoverage } from './density-coverage.js';
import { dfid } from './dfid.js';
import { factors } from './factors.js';
import { fid } from './fid.js';
import { kid } from './kid.js';
import { lpipsDiversity } from './lpips-diversity.js';
import type { Heading, Measurement, Metric, MetricContext, Requirements } from './metric.js';
import { precisionRecall } from './precision-recall.js';
import { styleConsistency } from './style-consistency.js';

/** All metrics by name, in the order of tables. A new one needs its file and a line here. */
export const metrics = {
  fid,
  kid,
  precisionRecall,
  densityCoverage,
  lpipsDiversity,
  dfid,
  cycleError,
  styleConsistency,
  contentConsistency,
  factors,
};

/** Name of a metric. */
export type MetricName = keyof typeof metrics;

export const METRIC_NAMES = Object.keys(metrics) as MetricName[];

type OptionsSchemas = { [Name in MetricName]: z.ZodOptional<(typeof metrics)[Name]['options']> };

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
  problem(context: Pick<MetricContext, 'method' | 'real' | 'resources'>): string | undefined;
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
        problem: (context) => metric.problem?.(context, options),
        start: (context) => metric.start(options, context),
      },
    ];
  });
}
