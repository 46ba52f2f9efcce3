// Caches features in files, by the hash of the image.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../../base/cache-directory.js';
import { InterruptedError } from '../../base/errors.js';
import { removeLeftovers } from '../../base/leftovers.js';
import { withTemporary } from '../../base/temporary-names.js';
import type { MeasuredImage } from '../measured-image.js';
import type { ExtractOptions, FeatureExtractor } from './extractor.js';
import { orderedMap } from './ordered-map.js';

const CHECKSUM_BYTES = 32;
/** Maximum number of files that are read at a time. */
const READS_AHEAD = 16;
/** Images whose features are written before the next are extracted, so that an interruption loses few. */
const CHUNK = 128;

/** Returns the folder of the cache: `features` in the cache directory that all checkouts of this user share. */
export function featureCacheDirectory(env?: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), 'features');
}

/**
 * Wraps an extractor with a cache in a folder, by the images' hashes; images without a hash are extracted every time.
 * Damaged features are extracted again. If nothing can be written, nothing is cached. Several processes may share the
 * folder. Disposing the result disposes the extractor.
 */
export function withFeatureCache(
  extractor: FeatureExtractor,
  folder = featureCacheDirectory(),
): FeatureExtractor {
  const { id, kind, description, dims } = extractor;
  const store = new FeatureStore(join(folder, id), id, dims);
  return {
    id,
    kind,
    description,
    dims,
    dispose: () => extractor.dispose(),
    extract: (images, options) => extractMissing(extractor, store, images, options),
  };
}

/** Images with the same content, by their positions in the list. */
interface Missing {
  image: MeasuredImage;
  hash: string | undefined;
  places: number[];
}

async function extractMissing(
  extractor: FeatureExtractor,
  store: FeatureStore,
  images: readonly MeasuredImage[],
  { onProgress, signal }: ExtractOptions = {},
): Promise<Float32Array> {
  const { dims } = extractor;
  const features = new Float32Array(images.length * dims);
  let done = 0;
  const missing = await lookUp(store, images, signal, (found, place) => {
    features.set(found, place * dims);
    onProgress?.(++done, images.length);
  });
  for (let from = 0; from < missing.length; from += CHUNK) {
    const chunk = missing.slice(from, from + CHUNK);
    const before = done;
    const extracted = await extractor.extract(
      chunk.map(({ image }) => image),
      {
        signal,
        onProgress: (count) => onProgress?.(before + placesOf(chunk.slice(0, count)), images.length),
      },
    );
    done += placesOf(chunk);
    for (const [i, { hash, places }] of chunk.entries()) {
      const row = extracted.subarray(i * dims, (i + 1) * dims);
      for (const place of places) features.set(row, place * dims);
      if (hash !== undefined) await store.write(hash, row);
    }
  }
  return features;
}

/** Looks up all images. @returns those that are not in the store; images with the same hash once. */
async function lookUp(
  store: FeatureStore,
  images: readonly MeasuredImage[],
  signal: AbortSignal | undefined,
  onFound: (features: Float32Array, place: number) => void,
): Promise<Missing[]> {
  const missing = new Map<string | MeasuredImage, Missing>();
  const lookups = orderedMap(images, READS_AHEAD, async (image) => {
    const hash = await image.hash?.();
    return { image, hash, found: hash === undefined ? undefined : await store.read(hash) };
  });
  let place = 0;
  for await (const { image, hash, found } of lookups) {
    if (signal?.aborted) throw new InterruptedError('The extraction of features was interrupted.');
    if (found === undefined) {
      const key = hash ?? image;
      const known = missing.get(key) ?? { image, hash, places: [] };
      known.places.push(place);
      missing.set(key, known);
    } else onFound(found, place);
    place++;
  }
  return [...missing.values()];
}

function placesOf(groups: readonly Missing[]): number {
  return groups.reduce((sum, { places }) => sum + places.length, 0);
}

/** Features of one extractor: a file for each image, named by its hash, with `dims` float32 and a checksum. */
class FeatureStore {
  private readonly folder: string;
  private readonly id: string;
  private readonly dims: number;
  private opened: Promise<boolean> | undefined;

  constructor(folder: string, id: string, dims: number) {
    this.folder = folder;
    this.id = id;
    this.dims = dims;
  }

  /** Reads the features of an image; undefined if they are missing or damaged. */
  async read(hash: string): Promise<Float32Array | undefined> {
    let bytes: Buffer;
    try {
      bytes = await readFile(join(this.folder, hash));
    } catch {
      return undefined;
    }
    const end = this.dims * Float32Array.BYTES_PER_ELEMENT;
    if (bytes.length !== end + CHECKSUM_BYTES) return undefined;
    if (!this.checksum(hash, bytes.subarray(0, end)).equals(bytes.subarray(end))) return undefined;
    const features = Float32Array.from({ length: this.dims }, (_, i) => bytes.readFloatLE(4 * i));
    return features.every(Number.isFinite) ? features : undefined;
  }

  /** Writes without syncing: the checksum reveals what a power cut leaves half written. Failures are ignored. */
  async write(hash: string, features: Float32Array): Promise<void> {
    this.opened ??= this.open();
    if (!(await this.opened)) return;
    const bytes = Buffer.alloc(features.length * Float32Array.BYTES_PER_ELEMENT);
    for (const [i, value] of features.entries()) bytes.writeFloatLE(value, 4 * i);
    const file = join(this.folder, hash);
    await withTemporary(file, 'tmp', async (temporary) => {
      try {
        await writeFile(temporary, Buffer.concat([bytes, this.checksum(hash, bytes)]), { flag: 'wx' });
        await rename(temporary, file);
      } catch {
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    });
  }

  /** Makes the folder and removes what dead processes left there. @returns whether it can be written. */
  private async open(): Promise<boolean> {
    try {
      // The cache may not be there yet, and others are not to write into it.
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await removeLeftovers(this.folder);
      return true;
    } catch {
      return false;
    }
  }

  /** It includes the image's hash: a file under another's name is invalid. */
  private checksum(hash: string, bytes: Uint8Array): Buffer {
    return createHash('sha256').update(`${this.id}/${hash}\n`).update(bytes).digest();
  }
}
