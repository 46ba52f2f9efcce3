// The interface of metrics.
import type { SampleFactors } from '../../sample/sample-factors.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { LpipsEvaluator } from '../features/lpips-evaluator.js';
import type { MeasuredImage } from '../measured-image.js';
import type { Method, OutputGroup } from '../methods/method.js';
import type { FeatureKind, MetricName, Protocol } from '../protocol.js';
import type { Figure } from '../receipt.js';

/** One figure of one repeat. */
export type Measured = Pick<Figure, 'key' | 'title' | 'better' | 'n' | 'how'> & {
  value: number;
  /** Standard deviation over subsets, if the metric is a mean over subsets. */
  subsetDeviation?: number;
};

/** Resources that metrics share; each is opened when it is first needed. */
export interface MetricResources {
  features: FeatureCache;
  lpips(net: 'vgg' | 'alex'): Promise<LpipsEvaluator>;
  /** Factors that the inputs were drawn with; undefined for other data than the sample dataset. */
  factors: SampleFactors | undefined;
}

/** One repeat of the evaluation of one method. */
export interface MetricContext {
  method: Method;
  /** Images of the target domain. */
  real: readonly MeasuredImage[];
  seed: number;
  resources: MetricResources;
  /** Features of outputs of this repeat; each image's are computed once for all metrics. */
  outputFeatures(kind: FeatureKind, images: readonly MeasuredImage[]): Promise<Float32Array[]>;
  onProgress(done: number, total: number): void;
  signal: AbortSignal | undefined;
}

/** A running metric: it receives all outputs in batches, and then returns its figures. */
export interface Measurement {
  add?(groups: readonly OutputGroup[]): Promise<void> | void;
  finish(): Promise<Measured[]> | Measured[];
}

export interface Metric<Name extends MetricName> {
  name: Name;
  /** Returns why the metric cannot be measured on a method; undefined if it can. */
  problem?(
    context: Pick<MetricContext, 'method' | 'real' | 'resources'>,
    options: Options<Name>,
  ): string | undefined;
  start(options: Options<Name>, context: MetricContext): Measurement | Promise<Measurement>;
}

/** A protocol's options of a metric. */
export type Options<Name extends MetricName> = NonNullable<Protocol['metrics'][Name]>;
