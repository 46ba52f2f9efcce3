// Features of a method's outputs within one repeat.
import type { MeasuredImage } from '../measured-image.js';
import type { ExtractOptions } from './extractor.js';
import type { FeatureCache, FeatureRows } from './feature-cache.js';
import type { FeatureKind } from './feature-kind.js';

/** Computes the features of each output once, however many metrics ask for them. */
export class OutputFeatures {
  private readonly computed = new Map<FeatureKind, WeakMap<MeasuredImage, Float32Array>>();

  constructor(
    private readonly cache: FeatureCache,
    private readonly options: ExtractOptions = {},
  ) {}

  async of(kind: FeatureKind, images: readonly MeasuredImage[]): Promise<Float32Array[]> {
    const computed = this.computed.get(kind) ?? new WeakMap<MeasuredImage, Float32Array>();
    this.computed.set(kind, computed);
    const missing = [...new Set(images.filter((image) => !computed.has(image)))];
    if (missing.length > 0) {
      const extractor = await this.cache.extractor(kind);
      const values = await extractor.extract(missing, this.options);
      for (const [i, image] of missing.entries())
        computed.set(image, values.slice(i * extractor.dims, (i + 1) * extractor.dims));
    }
    return images.map((image) => computed.get(image)!);
  }
}

/** Joins feature vectors as rows. @throws RangeError for none. */
export function joinRows(vectors: readonly Float32Array[]): FeatureRows {
  const dims = vectors[0]?.length;
  if (dims === undefined) throw new RangeError('no feature vectors to join');
  const values = new Float32Array(vectors.length * dims);
  for (const [i, vector] of vectors.entries()) values.set(vector, i * dims);
  return { values, count: vectors.length, dims };
}
