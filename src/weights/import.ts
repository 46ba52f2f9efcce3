// Converts files of pretrained weights into the cache.
import path from 'node:path';
import { toWriteError } from '../base/atomic-files.js';
import { makeCacheDirectory } from '../base/cache-directory.js';
import { InputError, InterruptedError } from '../base/errors.js';
import { removeLeftoversOf } from '../base/leftovers.js';
import { withLock } from '../base/process-lock.js';
import { writeJson } from '../base/write-json.js';
import { writeSafetensors } from '../checkpoint/safetensors.js';
import type { TorchTensor } from '../checkpoint/torch-layout.js';
import { sizeOf } from '../model/parameters.js';
import { CONVERTER_VERSION, placeOf, type WeightsRecord } from './cache.js';
import { type FileIdentity, identityOf, officialFile, officialHashes } from './file-hash.js';
import { KNOWN_WEIGHTS } from './known.js';
import type { WeightName } from './names.js';
import { type RecognisedWeights, recognise } from './recognise.js';
import { openSource, type SourceFile } from './source-file.js';

export interface ImportOptions {
  /** The weights that the file must hold. Default: those that its names and shapes show. */
  as?: WeightName | undefined;
  /** Accepts a file whose hash is not an official one; receipts then say so. */
  unverified?: boolean;
  /** The file's name in the record. Default: that of its path. */
  sourceName?: string;
  /** Determines the cache folder (`cacheDirectory`). */
  env?: NodeJS.ProcessEnv | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Weights that were written to the cache. */
export interface Imported {
  name: WeightName;
  verified: boolean;
  /** SHA-256 of the source file. */
  sha256: string;
  /** The converted file. */
  file: string;
}

/** Whether the file is official. @throws InputError for another file, unless `unverified` allows it. */
function verify(
  file: string,
  identity: FileIdentity,
  found: readonly RecognisedWeights[],
  options: ImportOptions,
): boolean {
  const official = officialFile(identity);
  if (official !== undefined) {
    if (found.length === 1 && found[0]!.name === official.name) return true;
    throw new InputError({
      expected: `the weights ${found.map(({ name }) => name).join(' and ')} in ${file}`,
      found: `the official file of ${official.name}`,
      remedy: 'omit --as',
    });
  }
  if (options.unverified) return false;
  throw new InputError({
    expected: `an official file at ${file} (${found.map(({ name }) => officialHashes(name)).join('; ')})`,
    found: `one with SHA-256 ${identity.sha256}`,
    remedy: `run gnr weights fetch ${found.map(({ name }) => name).join(' ')}, or add --unverified if you trust this file; receipts then say so`,
  });
}

/** Bytes of the kept tensors, as float32. */
function bytesOf({ name }: RecognisedWeights): number {
  return [...KNOWN_WEIGHTS[name].tensors.values()].reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
}

async function readTensors(
  source: SourceFile,
  { name, sources }: RecognisedWeights,
  { signal }: ImportOptions,
  onBytes: (bytes: number) => void,
): Promise<Map<string, TorchTensor>> {
  const keptNames = new Map([...sources].map(([kept, stored]) => [stored, kept]));
  const tensors = new Map<string, TorchTensor>();
  for await (const [stored, tensor] of source.read([...sources.values()])) {
    if (signal?.aborted) throw new InterruptedError(`Stopped while importing ${source.path}.`);
    if (!tensor.data.every(Number.isFinite))
      throw new InputError({
        expected: `finite numbers in ${stored} of ${source.path}`,
        found: 'others',
        remedy: `use an official file of ${name}`,
      });
    tensors.set(keptNames.get(stored)!, tensor);
    onBytes(tensor.data.byteLength);
  }
  return tensors;
}

/** Writes weights and their record, under a lock. */
async function store(
  { name }: RecognisedWeights,
  tensors: ReadonlyMap<string, TorchTensor>,
  source: WeightsRecord['source'],
  verified: boolean,
  { env, signal }: ImportOptions,
): Promise<Imported> {
  const place = placeOf(name, env);
  const work = async (): Promise<void> => {
    // An import that was killed leaves temporary files behind.
    for (const path of [place.file, place.record]) await removeLeftoversOf(path);
    await writeSafetensors(place.file, tensors, { format: 'pt' });
    const { sha256 } = await identityOf(place.file);
    const facts = { converter: CONVERTER_VERSION, name, source, verified, sha256 } as const;
    const record: WeightsRecord = { format: 'gnr-weights', ...facts };
    await writeJson(place.record, record);
  };
  try {
    await withLock(place.lock, work, { signal });
  } catch (error) {
    throw toWriteError(error, place.file);
  }
  return { name, verified, sha256: source.sha256, file: place.file };
}

/**
 * Converts a PyTorch (.pth, .pt) or safetensors file into the cache: the tensors that the networks need, as float32 under
 * torch's names. A whole `lpips.LPIPS` gives trunk and linear layers.
 *
 * @throws InputError if the file cannot be read, is of another network or not official; RunError if the cache cannot be
 *   written; InterruptedError after `signal`.
 */
export async function importWeights(file: string, options: ImportOptions = {}): Promise<Imported[]> {
  const { as, env, signal, onProgress } = options;
  await makeCacheDirectory(env);
  // Hashing and converting each count as half of the work.
  const identity = await identityOf(file, { signal, onProgress: (done, all) => onProgress?.(done, 2 * all) });
  const source = await openSource(file);
  try {
    const found = recognise(source, as);
    const verified = verify(file, identity, found, options);
    const { sha256, gitBlob } = identity;
    const origin = { file: options.sourceName ?? path.basename(file), sha256, gitBlob };
    const imported: Imported[] = [];
    const neededBytes = found.reduce((sum, weights) => sum + bytesOf(weights), 0);
    let readBytes = 0;
    for (const weights of found) {
      const tensors = await readTensors(source, weights, options, (bytes) => {
        readBytes += bytes;
        const share = readBytes / neededBytes;
        onProgress?.(Math.round(identity.bytes * (1 + share)), 2 * identity.bytes);
      });
      imported.push(await store(weights, tensors, origin, verified, { env, signal }));
    }
    return imported;
  } finally {
    await source.close();
  }
}
