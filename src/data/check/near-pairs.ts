import { setImmediate } from 'node:timers/promises';
import { countBits, type Hash64 } from './perceptual-hash.js';

const HASH_BITS = 64;
/** Bands of at most 16 bits keep the table of a band small. */
const MIN_BANDS = 4;
/** Comparisons, a few tens of milliseconds, after which others get their turn. */
const COMPARISONS_AT_ONCE = 1_000_000;

export interface NearPairsOptions {
  /** Hashes to look among. */
  hashes: readonly Hash64[];
  /** For each, the hash to look for: itself, or that of the mirrored image. */
  queries: readonly Hash64[];
  /** Largest distance that counts as near, bits. */
  limit: number;
  /** Told of every near pair once, `earlier` before `later` in the list. */
  onPair: (later: number, earlier: number, distance: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Finds all pairs of hashes within a Hamming distance. Two that differ in at most `limit` bits agree in at least one of
 * `limit + 1` bands (pigeonhole), so only those that share a band's bits are compared: nothing is missed, and tens of
 * thousands take seconds.
 */
export async function findNearPairs(options: NearPairsOptions): Promise<void> {
  const { hashes, queries, limit, onPair, signal } = options;
  const count = hashes.length;
  const bands = makeBands(Math.max(limit + 1, MIN_BANDS));
  const own = { high: halves(hashes, 'high'), low: halves(hashes, 'low') };
  const query = { high: halves(queries, 'high'), low: halves(queries, 'low') };
  let comparisons = 0;
  for (const [band, { from, width }] of bands.entries()) {
    // Chains of the hashes with the same bits in this band: the newest, and for each the one before.
    const newest = new Int32Array(2 ** width).fill(-1);
    const before = new Int32Array(count);
    for (let later = 0; later < count; later++) {
      const high = query.high[later]!;
      const low = query.low[later]!;
      for (let earlier = newest[bits(high, low, from, width)]!; earlier >= 0; earlier = before[earlier]!) {
        comparisons++;
        const differHigh = high ^ own.high[earlier]!;
        const differLow = low ^ own.low[earlier]!;
        const distance = countBits(differHigh) + countBits(differLow);
        // A pair that agrees in several bands was told at the first of them.
        if (distance <= limit && !agreeBefore(bands, band, differHigh, differLow))
          onPair(later, earlier, distance);
      }
      const key = bits(own.high[later]!, own.low[later]!, from, width);
      before[later] = newest[key]!;
      newest[key] = later;
      if (comparisons < COMPARISONS_AT_ONCE) continue;
      comparisons = 0;
      await setImmediate();
      if (signal?.aborted) return;
    }
  }
}

/** Some neighbouring bits of a hash: as a range, and as masks of its halves. */
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

/** `width` bits (at most 16) from bit `from` on, counted from the lowest. */
function bits(high: number, low: number, from: number, width: number): number {
  const mask = (1 << width) - 1;
  if (from >= 32) return (high >>> (from - 32)) & mask;
  if (from + width <= 32) return (low >>> from) & mask;
  return ((low >>> from) | (high << (32 - from))) & mask;
}
