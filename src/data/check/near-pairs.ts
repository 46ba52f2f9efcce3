// Finds all pairs of hashes within a Hamming distance, faster than by comparing all pairs.
import { setImmediate } from 'node:timers/promises';
import { countBits, type Hash64 } from './perceptual-hash.js';

const HASH_BITS = 64;
/** Bands of at most 16 bits keep the table of a band small. */
const MIN_BANDS = 4;
/** An image that is near to so many images of its group is not searched for: they stand for it. */
const MAX_NEIGHBOURS = 64;
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
  /** The group of each image; by default they are one. */
  groups?: readonly number[];
  /** Images that are not searched for, as an earlier search returned them. */
  crowded?: Uint8Array;
  signal?: AbortSignal | undefined;
}

/**
 * Finds pairs of hashes within a Hamming distance. Two hashes that differ in at most `limit` bits agree in at least one of
 * `limit + 1` bands (pigeonhole principle), so only hashes that agree in a band are compared, and tens of thousands take
 * seconds. No pair is missed but those of an earlier image that is near to 64 others before it, as frames of one scene are:
 * work grows with their number, and not with its square.
 *
 * @returns for each image 1 if it is near to so many.
 */
export async function findNearPairs(options: NearPairsOptions): Promise<Uint8Array> {
  const { hashes, limit, signal } = options;
  const bands = makeBands(Math.max(limit + 1, MIN_BANDS));
  const search = new Search(options, bands);
  let comparisons = 0;
  for (const band of bands.keys()) {
    search.begin(band);
    for (let later = 0; later < hashes.length; later++) {
      comparisons += search.next(later);
      if (comparisons < COMPARISONS_AT_ONCE) continue;
      comparisons = 0;
      await setImmediate();
      if (signal?.aborted) return search.crowded();
    }
  }
  return search.crowded();
}

/** Goes through the images band by band. */
class Search {
  private readonly hashes: Halves;
  private readonly queries: Halves;
  /** Near pairs of each image with earlier ones of its group. */
  private readonly neighbours: Uint32Array;
  private band = 0;
  /** Linked lists of hashes with the same bits in the band: the newest, and the predecessor of each. */
  private newest = new Int32Array();
  private readonly before: Int32Array;

  constructor(
    private readonly options: NearPairsOptions,
    private readonly bands: readonly Band[],
  ) {
    this.hashes = halvesOf(options.hashes);
    this.queries = halvesOf(options.queries);
    this.neighbours = new Uint32Array(options.hashes.length);
    this.before = new Int32Array(options.hashes.length);
  }

  begin(band: number): void {
    this.band = band;
    this.newest = new Int32Array(2 ** this.bands[band]!.width).fill(-1);
  }

  /** Compares an image with those before it that agree with it in the band. @returns the number of comparisons. */
  next(later: number): number {
    const { hashes, queries, newest, before } = this;
    const { from, width } = this.bands[this.band]!;
    const [high, low] = [queries.high[later]!, queries.low[later]!];
    let [comparisons, near] = [0, 0];
    for (let earlier = newest[bits(high, low, from, width)]!; earlier >= 0; earlier = before[earlier]!) {
      comparisons++;
      const differHigh = high ^ hashes.high[earlier]!;
      const differLow = low ^ hashes.low[earlier]!;
      const distance = countBits(differHigh) + countBits(differLow);
      if (distance <= this.options.limit && this.report(later, earlier, distance, differHigh, differLow))
        near++;
    }
    if (near < MAX_NEIGHBOURS && this.options.crowded?.[later] !== 1) {
      const key = bits(hashes.high[later]!, hashes.low[later]!, from, width);
      before[later] = newest[key]!;
      newest[key] = later;
    }
    return comparisons;
  }

  /** Reports a near pair, unless an earlier band had it. @returns whether the two are of one group. */
  private report(later: number, earlier: number, distance: number, high: number, low: number): boolean {
    const { groups, onPair } = this.options;
    const isOneGroup = groups === undefined || groups[later] === groups[earlier];
    if (agreeBefore(this.bands, this.band, high, low)) return isOneGroup;
    if (isOneGroup) this.neighbours[later]!++;
    onPair(later, earlier, distance);
    return isOneGroup;
  }

  crowded(): Uint8Array {
    return Uint8Array.from(this.neighbours, (near) => (near < MAX_NEIGHBOURS ? 0 : 1));
  }
}

/** The halves of many hashes. */
interface Halves {
  high: Uint32Array;
  low: Uint32Array;
}

const halvesOf = (hashes: readonly Hash64[]): Halves => ({
  high: Uint32Array.from(hashes, ({ high }) => high),
  low: Uint32Array.from(hashes, ({ low }) => low),
});

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
