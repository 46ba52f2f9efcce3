// Opens the resources that metrics share: feature networks, LPIPS, landmarks, and the factors of the sample dataset.
import { toFloat } from '../data/decode.js';
import { inStep } from '../distributed/share.js';
import { SOLO } from '../distributed/world.js';
import { type FoundLandmarks, loadLandmarkFinder } from '../landmarks/landmark-finder.js';
import type { LpipsNet } from '../perceptual/lpips.js';
import { readSampleFactors } from '../sample/sample-factors.js';
import { loadWeights, type WeightsSource } from '../weights/load.js';
import { lpipsValues } from '../weights/lpips.js';
import { type FeatureExtractor, openFeatureExtractor } from './features/extractor.js';
import { FeatureCache, type FeatureOptions } from './features/feature-cache.js';
import type { FeatureKind } from './features/feature-kind.js';
import { featureCacheDirectory, withFeatureCache } from './features/feature-store.js';
import { LpipsEvaluator } from './features/lpips-evaluator.js';
import type { MeasuredImage } from './measured-image.js';
import type { MetricResources, Requirements } from './metrics/metric.js';

/** Metric resources that record which weights they use. */
export interface OpenMetricResources extends MetricResources {
  /** The weights that were used so far. */
  weights(): WeightsSource[];
  close(): Promise<void>;
}

async function openExtractor(
  kind: FeatureKind,
  modelPx: number | undefined,
  used: WeightsSource[],
): Promise<FeatureExtractor> {
  const name = kind === 'inception-imagenet' ? 'inception-imagenet' : 'inception';
  const { tensors, ...source } = await loadWeights(name);
  used.push(source);
  return withFeatureCache(
    await openFeatureExtractor(
      kind,
      { tensors, sha256: source.sha256 },
      modelPx === undefined ? {} : { modelPx },
    ),
    featureCacheDirectory(),
  );
}

async function openLpips(net: LpipsNet, used: WeightsSource[]): Promise<LpipsEvaluator> {
  const { lpips, values, sources } = await lpipsValues(net);
  used.push(...sources);
  return new LpipsEvaluator(lpips, values);
}

/** Finds the landmarks of images, each once; loads the network at first. */
function openLandmarks(): MetricResources['landmarks'] {
  const known = new WeakMap<MeasuredImage, FoundLandmarks>();
  return async (images) => {
    const finder = await loadLandmarkFinder();
    const missing = [...new Set(images)].filter((image) => !known.has(image));
    const floats = await Promise.all(
      missing.map(async (image) => {
        const decoded = await image.read();
        return { ...decoded, data: toFloat(decoded) };
      }),
    );
    for (const [i, found] of finder.find(floats).entries()) known.set(missing[i]!, found);
    return { found: images.map((image) => known.get(image)!), network: finder.name };
  };
}

export interface MetricResourceOptions {
  /** The dataset; it may be a sample dataset. */
  data: string | undefined;
  /** Files of its source domain. */
  inputs: readonly string[];
  /** Side of the model's images, px; some metrics resize all images to it first. */
  modelPx: number | undefined;
  /** What the chosen metrics need: a factors.json that none of them needs is not read. */
  requirements: readonly Requirements[];
}

/**
 * Opens the resources of metrics. A network is loaded when a metric first asks for it; that throws InputError if its
 * weights are missing.
 *
 * @throws InputError for a damaged factors.json of a sample dataset, if a metric needs it.
 */
export async function openMetricResources({
  data,
  inputs,
  modelPx,
  requirements,
}: MetricResourceOptions): Promise<OpenMetricResources> {
  const used: WeightsSource[] = [];
  const features = new FeatureCache((kind) => openExtractor(kind, modelPx, used));
  const evaluators = new Map<LpipsNet, Promise<LpipsEvaluator>>();
  const needsFactors = requirements.some((needs) => needs.factors);
  const factors = data !== undefined && needsFactors ? await readSampleFactors(data, inputs) : undefined;
  return {
    features,
    factors,
    lpips(net) {
      const evaluator = evaluators.get(net) ?? openLpips(net, used);
      evaluators.set(net, evaluator);
      return evaluator;
    },
    landmarks: openLandmarks(),
    weights: () => [...new Map(used.map((source) => [source.name, source])).values()],
    async close() {
      await features.dispose();
      for (const evaluator of evaluators.values()) (await evaluator.catch(() => undefined))?.dispose();
    },
  };
}

/**
 * Loads the networks that metrics need, so that missing weights are reported at once, and then computes the features of
 * the real images.
 *
 * @throws InputError if weights are missing or damaged, or an image cannot be read.
 */
export async function prepareResources(
  { features, lpips, landmarks }: MetricResources,
  requirements: readonly Requirements[],
  real: readonly MeasuredImage[],
  options: FeatureOptions = {},
): Promise<void> {
  const kinds = new Set(requirements.flatMap((needs) => needs.features ?? []));
  const nets = new Set(requirements.flatMap((needs) => needs.lpips ?? []));
  await inStep(options.world ?? SOLO, options.signal, async () => {
    for (const kind of kinds) await features.extractor(kind);
    for (const net of nets) await lpips(net);
    if (requirements.some((needs) => needs.landmarks)) await landmarks([]);
  });
  for (const kind of kinds) await features.featuresOf(kind, real, options);
}
