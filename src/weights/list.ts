// Lists the known weights and their state in the cache, for gnr weights list.
import { placeOf, remedyFor, weightsState } from './cache.js';
import { KNOWN_WEIGHTS } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';

/** One of the known weights, and its state in the cache. */
export interface WeightsRow {
  name: WeightName;
  /** What uses them. */
  use: string;
  state: 'present' | 'unverified' | 'missing' | 'damaged';
  /** The path of the converted file, whether it exists or not. */
  file: string;
  /** The size of that file; null if it is missing or damaged. */
  bytes: number | null;
  /** The file from which they were converted; null if they are missing or damaged. */
  source: { file: string; sha256: string } | null;
  /** Official files: first the one to fetch, whose address is `url`. */
  officialFiles: string[];
  url: string;
  /** The approximate size of the download. */
  downloadBytes: number;
  /** The problem; null if there is none. */
  problem: string | null;
  /** The remedy; null if they are present. */
  remedy: string | null;
}

/** Checks all known weights; reads those in the cache, to hash them. */
export async function listWeights(env?: NodeJS.ProcessEnv): Promise<WeightsRow[]> {
  const rows: WeightsRow[] = [];
  for (const name of WEIGHT_NAMES) {
    const { use, files, downloadBytes } = KNOWN_WEIGHTS[name];
    const state = await weightsState(name, env);
    const isPresent = state.state === 'present' || state.state === 'unverified';
    rows.push({
      name,
      use,
      state: state.state,
      file: placeOf(name, env).file,
      bytes: isPresent ? state.bytes : null,
      source: isPresent ? { file: state.record.source.file, sha256: state.record.source.sha256 } : null,
      officialFiles: files.map((file) => file.name),
      url: files[0]!.url!,
      downloadBytes,
      problem: state.state === 'damaged' ? state.reason : null,
      remedy: isPresent ? null : remedyFor(name),
    });
  }
  return rows;
}
