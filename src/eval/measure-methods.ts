// Measures the metrics of a protocol on every method, repeat by repeat.

import type { DecodedImage } from '../data/decode.js';
import { gatherInOrder, inStep, shareWork } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';
import type { EvaluationEvent } from './evaluate-options.js';
import { OutputFeatures } from './features/output-features.js';
import type { MeasuredImage } from './measured-image.js';
import { BATCH, type Method, type OutputGroup } from './methods/method.js';
import { prepareResources } from './metric-resources.js';
import { type ChosenMetric, chosenMetrics } from './metrics/chosen.js';
import type { Measured, Measurement, MetricContext, MetricResources } from './metrics/metric.js';
import type { Protocol } from './protocol.js';
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
  /** Ranks that share the work, all with the same options, and all get the figures; one by default. */
  world?: World | undefined;
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
  /** The first groups of the first repeat; only on rank 0. */
  shown: ShownGroup[];
}

/** These are in the first batch, which rank 0 measures. */
const SHOWN_GROUPS = BATCH;
const SHOWN_OUTPUTS = 10;

/** A method with the metrics that can be measured on it. */
interface Plan {
  method: Method;
  real: readonly MeasuredImage[];
  metrics: ChosenMetric[];
  /** The other metrics, and why. */
  unmeasured: MethodResult['left'];
}

/** Measures every metric of the protocol on every method, one after another. */
export async function evaluateMethods(options: EvaluationOptions): Promise<MethodEvaluation[]> {
  const { methods, resources, real, protocol, signal, onEvent, world } = options;
  const chosen = chosenMetrics(protocol.metrics);
  const plans = await inStep(world ?? SOLO, signal, () =>
    Promise.all(methods.map((method) => planOf(method, chosen, options))),
  );
  const measured = chosen.filter((metric) => plans.some(({ metrics }) => metrics.includes(metric)));
  const onProgress = (done: number) =>
    onEvent?.({ type: 'progress', label: 'real images', done, total: real.length, unit: 'images' });
  const requirements = measured.map(({ requires }) => requires);
  await prepareResources(resources, requirements, real, { onProgress, signal, world });
  const evaluations: MethodEvaluation[] = [];
  for (const plan of plans) evaluations.push(await evaluateMethod(plan, options));
  return evaluations;
}

async function planOf(
  method: Method,
  chosen: readonly ChosenMetric[],
  options: EvaluationOptions,
): Promise<Plan> {
  const real = method.real ?? options.real;
  const plan: Plan = { method, real, metrics: [], unmeasured: [] };
  for (const metric of chosen) {
    const why = await metric.problem({ method, real, resources: options.resources });
    if (why === undefined) plan.metrics.push(metric);
    else plan.unmeasured.push({ metric: metric.name, why });
  }
  return plan;
}

async function evaluateMethod(plan: Plan, options: EvaluationOptions): Promise<MethodEvaluation> {
  const { method, metrics } = plan;
  const { protocol, resources, signal, world } = options;
  if (method.real !== undefined) {
    const requirements = metrics.map(({ requires }) => requires);
    await prepareResources(resources, requirements, method.real, { signal, world });
  }
  const unmeasured = [...plan.unmeasured];
  const seeds = method.isRandom ? protocol.seeds : protocol.seeds.slice(0, 1);
  const repeats: MeasuredMetric[][] = [];
  const shown: ShownGroup[] = [];
  for (const [i, seed] of seeds.entries()) {
    const label = seeds.length > 1 ? `${method.name}, repeat ${i + 1} of ${seeds.length}` : method.name;
    repeats.push(await measureRepeat({ ...plan, seed, label, shown: i === 0 ? shown : [] }, options));
  }
  const { name, kind } = method;
  const figures = figuresOf(repeats);
  const isNumber = (figure: Figure): boolean => figure.values.every(Number.isFinite);
  for (const { metric, key } of figures.filter((figure) => !isNumber(figure)))
    unmeasured.push({ metric, why: `${key} is not a finite number` });
  for (const { name: metric } of metrics)
    if (!figures.some((figure) => figure.metric === metric))
      unmeasured.push({ metric, why: 'the outputs are not grouped by input, or their inputs are unknown' });
  return { result: { name, kind, figures: figures.filter(isNumber), left: unmeasured }, shown };
}

/** The figures of a metric in one repeat. */
interface MeasuredMetric {
  metric: ChosenMetric;
  measured: Measured[];
}

interface Repeat extends Plan {
  seed: number;
  label: string;
  /** Collects the first groups. */
  shown: ShownGroup[];
}

/** A metric under way, and what it has measured so far. */
interface Running {
  metric: ChosenMetric;
  measurement: Measurement;
  context: MetricContext;
  parts: unknown[];
}

async function measureRepeat(repeat: Repeat, options: EvaluationOptions): Promise<MeasuredMetric[]> {
  const { method, real, metrics, seed, label } = repeat;
  const { resources, onEvent, signal, world = SOLO } = options;
  const outputs = new OutputFeatures(resources.features, { signal });
  const contextOf = ({ name }: ChosenMetric): MetricContext => ({
    method,
    real,
    seed,
    resources,
    outputFeatures: (kind, images) => outputs.of(kind, images),
    onProgress: (done, total) =>
      onEvent?.({ type: 'progress', label: `${label}, ${name}`, done, total, unit: 'steps' }),
    signal,
  });
  const running: Running[] = [];
  for (const metric of metrics) {
    const context = contextOf(metric);
    running.push({ metric, measurement: await metric.start(context), context, parts: [] });
  }
  await measureOutputs(running, repeat, options);
  for (const { measurement, context, parts } of running) {
    if (!('count' in measurement)) continue;
    const { count } = measurement;
    for await (const part of shareWork(world, count, (i) => measurement.measureItem(i), signal))
      context.onProgress(parts.push(part), count);
  }
  const finish = (i: number) => running[i]!.measurement.finish(running[i]!.parts);
  const results: MeasuredMetric[] = [];
  for await (const measured of shareWork(world, running.length, finish, signal))
    results.push({ metric: running[results.length]!.metric, measured });
  return results;
}

/** Measures all outputs of a repeat, in batches that the ranks share. */
async function measureOutputs(
  running: readonly Running[],
  { method, seed, label, shown }: Repeat,
  { onEvent, signal, world = SOLO }: EvaluationOptions,
): Promise<void> {
  const ofOutputs = running.flatMap(({ measurement, parts }) =>
    'count' in measurement ? [] : [{ measurement, parts }],
  );
  const batches = gatherInOrder(world, signal, async function* (either) {
    for await (const groups of method.groups(seed, world)) {
      either?.throwIfAborted();
      if (world.isFirst) await addShown(shown, groups);
      const measured: unknown[] = [];
      for (const { measurement } of ofOutputs) measured.push(await measurement.measure(groups));
      yield { inputs: groups.length, measured };
    }
  });
  let done = 0;
  for await (const { inputs, measured } of batches) {
    for (const [i, { parts }] of ofOutputs.entries()) parts.push(measured[i]);
    done += inputs;
    onEvent?.({ type: 'progress', label, done, total: method.inputs, unit: 'inputs' });
  }
}

async function addShown(shown: ShownGroup[], groups: readonly OutputGroup[]): Promise<void> {
  for (const { input, source, outputs } of groups.slice(0, SHOWN_GROUPS - shown.length)) {
    const images = outputs.slice(0, SHOWN_OUTPUTS);
    shown.push({ input, source, images, outputs: await Promise.all(images.map((image) => image.read())) });
  }
}

/** Combines the repeats: mean, deviation and interval of every figure. */
function figuresOf(repeats: readonly MeasuredMetric[][]): Figure[] {
  return repeats[0]!.flatMap(({ metric, measured }, m) =>
    measured.map(({ key, n, how, subsetDeviation }): Figure => {
      const values = repeats.flatMap((repeat) =>
        repeat[m]!.measured.flatMap((other) => (other.key === key ? [other.value] : [])),
      );
      const { mean, deviation, interval } = repeatsOf(values);
      const single = values.length === 1;
      return {
        key,
        ...metric.headings[key]!,
        value: mean,
        n,
        how,
        metric: metric.name,
        values,
        deviation: single ? (subsetDeviation ?? null) : deviation,
        over: single ? (subsetDeviation === undefined ? null : 'subsets') : 'repeats',
        interval,
      };
    }),
  );
}
