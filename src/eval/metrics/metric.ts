import type { SampleFactors } from '../../sample/sample-factors.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { LpipsEvaluator } from '../features/lpips-evaluator.js';
import type { MeasuredImage } from '../measured-image.js';
import type { Method, OutputGroup } from '../methods/method.js';
import type { FeatureKind, MetricName, Protocol } from '../protocol.js';
import type { Figure } from '../receipt.js';

/** What one repeat gives for one figure. */
export type Measured = Pick<Figure, 'key' | 'title' | 'better' | 'n' | 'how'> & {
  value: number;
  /** Standard deviation over subsets, where the metric is a mean of such. */
  subsetDeviation?: number;
};

/** What metrics measure with; opened when it is first asked for. */
export interface MetricResources {
  features: FeatureCache;
  lpips(net: 'vgg' | 'alex'): Promise<LpipsEvaluator>;
  /** What the inputs were drawn from; undefined for data that is no sample dataset. */
  factors: SampleFactors | undefined;
}

/** One repeat of the evaluation of one method. */
export interface MetricContext {
  method: Method;
  /** Images of the target domain. */
  real: readonly MeasuredImage[];
  seed: number;
  resources: MetricResources;
  /** Features of outputs of this repeat, each image's computed once for all metrics. */
  outputFeatures(kind: FeatureKind, images: readonly MeasuredImage[]): Promise<Float32Array[]>;
  onProgress(done: number, total: number): void;
  signal: AbortSignal | undefined;
}

/** A metric at work: it is shown all outputs, some at a time, and then tells its figures. */
export interface Measurement {
  add?(groups: readonly OutputGroup[]): Promise<void> | void;
  finish(): Promise<Measured[]> | Measured[];
}

export interface Metric<Name extends MetricName> {
  name: Name;
  /** Why it cannot be measured on a method; undefined where it can. */
  problem?(
    context: Pick<MetricContext, 'method' | 'real' | 'resources'>,
    options: Options<Name>,
  ): string | undefined;
  start(options: Options<Name>, context: MetricContext): Measurement | Promise<Measurement>;
}

/** What a protocol says of a metric. */
export type Options<Name extends MetricName> = NonNullable<Protocol['metrics'][Name]>;
