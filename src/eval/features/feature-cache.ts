// Keeps the feature networks of an evaluation, and the features of real images, which many methods share.
import { shareWork } from '../../distributed/share.js';
import { SOLO, type World } from '../../distributed/world.js';
import type { MeasuredImage } from '../measured-image.js';
import { type FeatureStatistics, featureStatistics } from '../statistics/frechet.js';
import { BATCH, type ExtractOptions, type FeatureExtractor } from './extractor.js';
import type { FeatureKind } from './feature-kind.js';

/** Features of images: rows of `dims` values. */
export interface FeatureRows {
  values: Float32Array;
  count: number;
  dims: number;
}

/** Images that a rank extracts at a time: whole batches. */
const IMAGES_OF_RANK = 2 * BATCH;

export interface FeatureOptions extends ExtractOptions {
  /** Ranks that share the images, all with the same list, and all get the features; one by default. */
  world?: World | undefined;
}

/** Opens each feature network once, and computes the features of each image list once. */
export class FeatureCache {
  private readonly extractors = new Map<FeatureKind, Promise<FeatureExtractor>>();
  private readonly rows = new Map<FeatureKind, WeakMap<readonly MeasuredImage[], Promise<FeatureRows>>>();
  private readonly statistics = new WeakMap<FeatureRows, FeatureStatistics>();

  /** @param open loads a network, once for each kind. */
  constructor(private readonly open: (kind: FeatureKind) => Promise<FeatureExtractor>) {}

  extractor(kind: FeatureKind): Promise<FeatureExtractor> {
    let extractor = this.extractors.get(kind);
    if (extractor === undefined) {
      extractor = this.open(kind);
      this.extractors.set(kind, extractor);
    }
    return extractor;
  }

  /** Describes the features, for receipts. */
  async describe(kind: FeatureKind): Promise<string> {
    return (await this.extractor(kind)).description;
  }

  /** Features of a list of images. They are computed once for each list object, and freed with it. */
  async featuresOf(
    kind: FeatureKind,
    images: readonly MeasuredImage[],
    options: FeatureOptions = {},
  ): Promise<FeatureRows> {
    const lists = this.rows.get(kind) ?? new WeakMap<readonly MeasuredImage[], Promise<FeatureRows>>();
    this.rows.set(kind, lists);
    let rows = lists.get(images);
    if (rows === undefined) {
      rows = this.extractor(kind).then(async (extractor) => ({
        values: await extractShared(extractor, images, options),
        count: images.length,
        dims: extractor.dims,
      }));
      lists.set(images, rows);
      rows.catch(() => lists.delete(images));
    }
    return rows;
  }

  /** Mean and covariance of these features, computed once. */
  async statisticsOf(kind: FeatureKind, images: readonly MeasuredImage[]): Promise<FeatureStatistics> {
    const rows = await this.featuresOf(kind, images);
    let statistics = this.statistics.get(rows);
    if (statistics === undefined) {
      statistics = featureStatistics(rows);
      this.statistics.set(rows, statistics);
    }
    return statistics;
  }

  /** Frees the networks and keeps the features. */
  async dispose(): Promise<void> {
    const extractors = [...this.extractors.values()];
    this.extractors.clear();
    for (const extractor of extractors) (await extractor.catch(() => undefined))?.dispose();
  }
}

async function extractShared(
  extractor: FeatureExtractor,
  images: readonly MeasuredImage[],
  { world = SOLO, onProgress, signal }: FeatureOptions,
): Promise<Float32Array> {
  if (world.size === 1) return extractor.extract(images, { ...(onProgress && { onProgress }), signal });
  const { dims } = extractor;
  const values = new Float32Array(images.length * dims);
  const extract = (i: number) =>
    extractor.extract(images.slice(i * IMAGES_OF_RANK, (i + 1) * IMAGES_OF_RANK), { signal });
  let done = 0;
  for await (const rows of shareWork(world, Math.ceil(images.length / IMAGES_OF_RANK), extract, signal)) {
    values.set(rows, done * dims);
    done += rows.length / dims;
    onProgress?.(done, images.length);
  }
  return values;
}
