// The interface of metrics.
import type { z } from 'zod';
import type { FoundLandmarks } from '../../landmarks/landmark-finder.js';
import type { LpipsNet } from '../../perceptual/lpips.js';
import type { SampleFactors } from '../../sample/sample-factors.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { FeatureKind } from '../features/feature-kind.js';
import type { LpipsEvaluator } from '../features/lpips-evaluator.js';
import type { MeasuredImage } from '../measured-image.js';
import type { Method, OutputGroup } from '../methods/method.js';
import type { Figure } from '../receipt.js';
import type { FamilyName } from './families.js';

/** One figure of one repeat. */
export type Measured<Key extends string = string> = Pick<Figure, 'n' | 'how'> & {
  /** The key of its heading; unique among the figures of all metrics. */
  key: Key;
  value: number;
  /** Standard deviation over subsets, if the metric is a mean over subsets. */
  subsetDeviation?: number;
};

/** How tables show a figure: its title, and the better end of its scale. */
export type Heading = Pick<Figure, 'title' | 'better'>;

/** What a metric measures with, beside the images. It is loaded before anything is measured. */
export interface Requirements {
  /** The features of real images and of outputs that it compares. */
  features?: FeatureKind;
  /** The network of LPIPS. */
  lpips?: LpipsNet;
  /** The landmark network. */
  landmarks?: true;
  /** The factors that the sample dataset was drawn with. */
  factors?: true;
}

/** Resources that metrics share; each is opened when it is first needed. */
export interface MetricResources {
  features: FeatureCache;
  lpips(net: LpipsNet): Promise<LpipsEvaluator>;
  /** Finds eyes and mouths, of each image once. @returns `network` names the weights. */
  landmarks(images: readonly MeasuredImage[]): Promise<{ found: FoundLandmarks[]; network: string }>;
  /** Factors that the inputs were drawn with; undefined for other data than the sample dataset, or if no metric needs them. */
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

/**
 * A running metric. It measures parts, each by itself and in any order, so that ranks can share them, and makes its figures of
 * what all parts gave. That has to be what structured clones can express.
 */
export type Measurement<Key extends string = string, Part = unknown> =
  | (OfOutputs<Part> & Finish<Key, Part>)
  | (OfItems<Part> & Finish<Key, Part>);

/** The parts are the outputs, in batches. */
interface OfOutputs<Part> {
  measure(groups: readonly OutputGroup[]): Promise<Part> | Part;
}

/** The parts are the metric's own, such as real images. */
interface OfItems<Part> {
  /** Number of parts. */
  count: number;
  measureItem(index: number): Promise<Part> | Part;
}

interface Finish<Key extends string, Part> {
  /** @param parts what was measured, in order. */
  finish(parts: readonly Part[]): Promise<Measured<Key>[]> | Measured<Key>[];
}

/** A metric: all that protocols, evaluations, reports and the documentation know of it, except its name. */
export interface Metric<Schema extends z.ZodObject = z.ZodObject, Key extends string = string> {
  /** What it is, and what it is held to: its line in docs/evaluation.md, as Markdown. */
  summary: string;
  /** The question that it helps to answer. */
  family: FamilyName;
  /** Schema of its options in protocols, with their defaults. */
  options: Schema;
  /** The headings of its figures, by their keys. */
  headings(options: z.infer<Schema>): Readonly<Record<Key, Heading>>;
  /**
   * For a distance between covariances of Inception's features: the counts in its figures' `n` of the images on each side.
   * Reports caution against such figures of few images, which are too large.
   */
  covarianceOf?: readonly string[];
  /** What it needs with these options; nothing by default. */
  requires?(options: z.infer<Schema>): Requirements;
  /**
   * Returns why the metric cannot be measured on a method; undefined if it can.
   *
   * @throws InputError if an image that it looks at cannot be read.
   */
  problem?(
    context: Pick<MetricContext, 'method' | 'real' | 'resources'>,
    options: z.infer<Schema>,
  ): string | undefined | Promise<string | undefined>;
  start(options: z.infer<Schema>, context: MetricContext): Measurement<Key> | Promise<Measurement<Key>>;
}

/** Returns the metric; its type has the options of the schema, and the keys of the headings. */
export function defineMetric<Schema extends z.ZodObject, Key extends string>(
  metric: Metric<Schema, Key>,
): Metric<Schema, Key> {
  return metric;
}
