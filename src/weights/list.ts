import { placeOf, remedyFor, weightsState } from './cache.js';
import { KNOWN_WEIGHTS } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';

/** Known weights, and how they stand in the cache. */
export interface WeightsRow {
  name: WeightName;
  /** What they are for. */
  use: string;
  state: 'present' | 'unverified' | 'missing' | 'damaged';
  /** Where they are, or would be. */
  file: string;
  /** Of that file; null where it is missing or damaged. */
  bytes: number | null;
  /** The file that they come from; null where they are missing or damaged. */
  source: { file: string; sha256: string } | null;
  /** Official files, the one that is fetched first, and where that one is. */
  officialFiles: string[];
  url: string;
  /** About what a fetch downloads. */
  downloadBytes: number;
  /** What is wrong; null where nothing is. */
  problem: string | null;
  /** What to do about it; null where they are there. */
  remedy: string | null;
}

/** Looks at all known weights; reads those that are there, for their hashes. */
export async function listWeights(env?: NodeJS.ProcessEnv): Promise<WeightsRow[]> {
  const rows: WeightsRow[] = [];
  for (const name of WEIGHT_NAMES) {
    const { use, files, downloadBytes } = KNOWN_WEIGHTS[name];
    const found = await weightsState(name, env);
    const isThere = found.state === 'present' || found.state === 'unverified';
    rows.push({
      name,
      use,
      state: found.state,
      file: placeOf(name, env).file,
      bytes: isThere ? found.bytes : null,
      source: isThere ? { file: found.record.source.file, sha256: found.record.source.sha256 } : null,
      officialFiles: files.map((file) => file.name),
      url: files[0]!.url!,
      downloadBytes,
      problem: found.state === 'damaged' ? found.why : null,
      remedy: isThere ? null : remedyFor(name),
    });
  }
  return rows;
}
