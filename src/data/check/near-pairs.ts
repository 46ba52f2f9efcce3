// Finds all pairs of hashes within a Hamming distance, faster than by comparing all pairs.
import { setImmediate } from 'node:timers/promises';
import { countBits, type Hash64 } from './perceptual-hash.js';

const HASH_BITS = 64;
/** Bands of at most 16 bits keep the table of a band small. */
const MIN_BANDS = 4;
/** Comparisons, a few tens of milliseconds, between turns of the event loop. */
const COMPARISONS_AT_ONCE = 1_000_000;

export interface NearPairsOptions {
  /** Hashes to search. */
  hashes: readonly Hash64[];
  /** The hash to search for, for each image: its own, or that of the mirrored image. */
  queries: readonly Hash64[];
  /** Largest distance of a near pair, bits. */
  limit: number;
  /** Called once with every near pair; `earlier` comes before `later` in the list. */
  onPair: (later: number, earlier: number, distance: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Finds all pairs of hashes within a Hamming distance. Two hashes that differ in at most `limit` bits agree in at least one of
 * `limit + 1` bands (pigeonhole principle), so only hashes that agree in a band are compared. No pair is missed, and tens of
 * thousands of hashes take seconds.
 */
export async function findNearPairs(options: NearPairsOptions): Promise<void> {
  const { hashes, queries, limit, onPair, signal } = options;
  const count = hashes.length;
  const bands = makeBands(Math.max(limit + 1, MIN_BANDS));
  const hashHalves = { high: halves(hashes, 'high'), low: halves(hashes, 'low') };
  const queryHalves = { high: halves(queries, 'high'), low: halves(queries, 'low') };
  let comparisons = 0;
  for (const [band, { from, width }] of bands.entries()) {
    // Linked lists of hashes with the same bits in this band: the newest, and the predecessor of each.
    const newest = new Int32Array(2 ** width).fill(-1);
    const before = new Int32Array(count);
    for (let later = 0; later < count; later++) {
      const high = queryHalves.high[later]!;
      const low = queryHalves.low[later]!;
      for (let earlier = newest[bits(high, low, from, width)]!; earlier >= 0; earlier = before[earlier]!) {
        comparisons++;
        const differHigh = high ^ hashHalves.high[earlier]!;
        const differLow = low ^ hashHalves.low[earlier]!;
        const distance = countBits(differHigh) + countBits(differLow);
        // A pair that agrees in several bands was reported at the first of them.
        if (distance <= limit && !agreeBefore(bands, band, differHigh, differLow))
          onPair(later, earlier, distance);
      }
      const key = bits(hashHalves.high[later]!, hashHalves.low[later]!, from, width);
      before[later] = newest[key]!;
      newest[key] = later;
      if (comparisons < COMPARISONS_AT_ONCE) continue;
      comparisons = 0;
      await setImmediate();
      if (signal?.aborted) return;
    }
  }
}

/** Adjacent bits of a hash: as a range, and as masks of its halves. */
interface Band {
  from: number;
  width: number;
  high: number;
  low: number;
}

function makeBands(count: number): Band[] {
  const start = (band: number) => Math.floor((band * HASH_BITS) / count);
  return Array.from({ length: count }, (_, band) => {
    const [from, end] = [start(band), start(band + 1)];
    const mask = ((1n << BigInt(end - from)) - 1n) << BigInt(from);
    return { from, width: end - from, high: Number(mask >> 32n), low: Number(mask & 0xffffffffn) };
  });
}

function halves(hashes: readonly Hash64[], half: 'high' | 'low'): Uint32Array {
  return Uint32Array.from(hashes, (hash) => hash[half]);
}

function agreeBefore(bands: readonly Band[], band: number, differHigh: number, differLow: number): boolean {
  for (let i = 0; i < band; i++) {
    const { high, low } = bands[i]!;
    if ((differHigh & high) === 0 && (differLow & low) === 0) return true;
  }
  return false;
}

/** Extracts `width` bits (at most 16) from bit `from` on, counted from the lowest. */
function bits(high: number, low: number, from: number, width: number): number {
  const mask = (1 << width) - 1;
  if (from >= 32) return (high >>> (from - 32)) & mask;
  if (from + width <= 32) return (low >>> from) & mask;
  return ((low >>> from) | (high << (32 - from))) & mask;
}
