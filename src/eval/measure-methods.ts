// Measures the metrics of a protocol on every method, repeat by repeat.

import type { DecodedImage } from '../data/decode.js';
import type { EvaluationEvent } from './evaluate-options.js';
import { OutputFeatures } from './features/output-features.js';
import type { MeasuredImage } from './measured-image.js';
import type { Method, OutputGroup } from './methods/method.js';
import type { Measured, Measurement, Metric, MetricContext, MetricResources } from './metrics/metric.js';
import { METRIC_NAMES, metrics } from './metrics/registry.js';
import type { MetricName, Protocol } from './protocol.js';
import type { Figure, MethodResult } from './receipt.js';
import { repeatsOf } from './statistics/interval.js';

export interface EvaluationOptions {
  protocol: Protocol;
  methods: readonly Method[];
  /** Images of the target domain. */
  real: readonly MeasuredImage[];
  resources: MetricResources;
  onEvent?: (event: EvaluationEvent) => void;
  signal?: AbortSignal | undefined;
}

/** Some images of a method, for the report. */
export interface ShownGroup {
  input: number | undefined;
  source: DecodedImage | undefined;
  outputs: DecodedImage[];
  images: readonly MeasuredImage[];
}

export interface MethodEvaluation {
  result: MethodResult;
  /** The first groups of the first repeat. */
  shown: ShownGroup[];
}

const SHOWN_GROUPS = 8;
const SHOWN_OUTPUTS = 10;

type Name = MetricName;
type AnyMetric = Metric<Name>;

/** Measures every metric of the protocol on every method, one after another. */
export async function evaluateMethods(options: EvaluationOptions): Promise<MethodEvaluation[]> {
  const { methods, resources, real, protocol, signal, onEvent } = options;
  for (const kind of featureKinds(protocol)) {
    const report = (done: number) =>
      onEvent?.({ type: 'progress', label: 'real images', done, total: real.length, unit: 'images' });
    await resources.features.featuresOf(kind, real, { onProgress: report, signal });
  }
  const evaluations: MethodEvaluation[] = [];
  for (const method of methods) evaluations.push(await evaluateMethod(method, options));
  return evaluations;
}

function featureKinds({ metrics: chosen }: Protocol) {
  const options = [chosen.fid, chosen.kid, chosen.precisionRecall, chosen.densityCoverage, chosen.dfid];
  return new Set(options.flatMap((option) => (option === undefined ? [] : [option.features])));
}

async function evaluateMethod(method: Method, options: EvaluationOptions): Promise<MethodEvaluation> {
  const { protocol, resources } = options;
  const real = method.real ?? options.real;
  const unmeasured: MethodResult['left'] = [];
  const chosen: Name[] = [];
  for (const name of METRIC_NAMES) {
    const metricOptions = protocol.metrics[name];
    if (metricOptions === undefined) continue;
    const why = (metrics[name] as AnyMetric).problem?.({ method, real, resources }, metricOptions as never);
    if (why === undefined) chosen.push(name);
    else unmeasured.push({ metric: name, why });
  }
  const seeds = method.isRandom ? protocol.seeds : protocol.seeds.slice(0, 1);
  const repeats: { metric: Name; measured: Measured[] }[][] = [];
  const shown: ShownGroup[] = [];
  for (const [i, seed] of seeds.entries()) {
    const label = seeds.length > 1 ? `${method.name}, repeat ${i + 1} of ${seeds.length}` : method.name;
    repeats.push(
      await measureRepeat({ method, real, seed, chosen, label, shown: i === 0 ? shown : [] }, options),
    );
  }
  const { name, kind } = method;
  const figures = figuresOf(repeats);
  const isNumber = (figure: Figure): boolean => figure.values.every(Number.isFinite);
  for (const { metric, key } of figures.filter((figure) => !isNumber(figure)))
    unmeasured.push({ metric, why: `${key} is not a finite number` });
  for (const metric of chosen)
    if (!figures.some((figure) => figure.metric === metric))
      unmeasured.push({ metric, why: 'the outputs are not grouped by input, or their inputs are unknown' });
  return { result: { name, kind, figures: figures.filter(isNumber), left: unmeasured }, shown };
}

interface Repeat {
  method: Method;
  real: readonly MeasuredImage[];
  seed: number;
  chosen: readonly Name[];
  label: string;
  /** Collects the first groups. */
  shown: ShownGroup[];
}

async function measureRepeat(
  { method, real, seed, chosen, label, shown }: Repeat,
  { protocol, resources, onEvent, signal }: EvaluationOptions,
): Promise<{ metric: Name; measured: Measured[] }[]> {
  const outputs = new OutputFeatures(resources.features, { signal });
  const contextOf = (name: Name): MetricContext => ({
    method,
    real,
    seed,
    resources,
    outputFeatures: (kind, images) => outputs.of(kind, images),
    onProgress: (done, total) =>
      onEvent?.({ type: 'progress', label: `${label}, ${name}`, done, total, unit: 'steps' }),
    signal,
  });
  const running: { metric: Name; measurement: Measurement }[] = [];
  for (const name of chosen) {
    const metric = metrics[name] as AnyMetric;
    const measurement = await metric.start(protocol.metrics[name] as never, contextOf(name));
    running.push({ metric: name, measurement });
  }
  let done = 0;
  for await (const groups of method.groups(seed)) {
    signal?.throwIfAborted();
    await addShown(shown, groups);
    for (const { measurement } of running) await measurement.add?.(groups);
    done += groups.length;
    onEvent?.({ type: 'progress', label, done, total: method.inputs, unit: 'inputs' });
  }
  const results: { metric: Name; measured: Measured[] }[] = [];
  for (const { metric, measurement } of running)
    results.push({ metric, measured: await measurement.finish() });
  return results;
}

async function addShown(shown: ShownGroup[], groups: readonly OutputGroup[]): Promise<void> {
  for (const { input, source, outputs } of groups.slice(0, SHOWN_GROUPS - shown.length)) {
    const images = outputs.slice(0, SHOWN_OUTPUTS);
    shown.push({ input, source, images, outputs: await Promise.all(images.map((image) => image.read())) });
  }
}

/** Combines the repeats: mean, deviation and interval of every figure. */
function figuresOf(repeats: readonly { metric: Name; measured: Measured[] }[][]): Figure[] {
  return repeats[0]!.flatMap(({ metric, measured }, m) =>
    measured.map(({ subsetDeviation, ...first }): Figure => {
      const values = repeats.flatMap((repeat) =>
        repeat[m]!.measured.flatMap(({ key, value }) => (key === first.key ? [value] : [])),
      );
      const { mean, deviation, interval } = repeatsOf(values);
      const single = values.length === 1;
      return {
        ...first,
        metric,
        value: mean,
        values,
        deviation: single ? (subsetDeviation ?? null) : deviation,
        over: single ? (subsetDeviation === undefined ? null : 'subsets') : 'repeats',
        interval,
      };
    }),
  );
}
