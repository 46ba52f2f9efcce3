// A seeded random generator whose state is one position (Philox4x32-10).

const ROUND_MULTIPLIER_0 = 0xd2511f53;
const ROUND_MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const WORDS_PER_BLOCK = 4;

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle1 = aHigh * bLow + (low >>> 16);
  const middle2 = aLow * bHigh + (middle1 & 0xffff);
  return (aHigh * bHigh + Math.floor(middle1 / 0x10000) + Math.floor(middle2 / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): writes four 32-bit words to `out`,
 * computed from a 128-bit counter and a 64-bit key.
 */
export function philox(counter: ArrayLike<number>, key0: number, key1: number, out: Uint32Array): void {
  let c0 = counter[0]! >>> 0;
  let c1 = counter[1]! >>> 0;
  let c2 = counter[2]! >>> 0;
  let c3 = counter[3]! >>> 0;
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(ROUND_MULTIPLIER_0, c0);
    const low0 = Math.imul(ROUND_MULTIPLIER_0, c0);
    const high1 = mulHigh(ROUND_MULTIPLIER_1, c2);
    const low1 = Math.imul(ROUND_MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** 32-bit FNV-1a, which turns stream names into keys. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The state of a generator in a checkpoint: enough to continue with the very next word. */
export interface RngState {
  seed: number;
  stream: number;
  /** 32-bit words drawn so far. */
  drawn: number;
}

/**
 * A seeded, counter-based random generator. The n-th word depends only on (seed, stream, n), so its position is one
 * number, and streams of different names never overlap.
 */
export class Rng {
  readonly seed: number;
  readonly stream: number;
  private drawn: number;
  private readonly block = new Uint32Array(WORDS_PER_BLOCK);
  private blockIndex = -1;

  /** @param seed an integer from 0 to 2^32 - 1. @param stream a name or number that keeps independent uses apart. */
  constructor(seed: number, stream: string | number = 0, drawn = 0) {
    this.seed = seed >>> 0;
    this.stream = typeof stream === 'string' ? hashName(stream) : stream >>> 0;
    this.drawn = drawn;
  }

  static fromState(state: RngState): Rng {
    return new Rng(state.seed, state.stream, state.drawn);
  }

  state(): RngState {
    return { seed: this.seed, stream: this.stream, drawn: this.drawn };
  }

  /** An independent generator with the same seed for the named use. Does not advance this one. */
  fork(name: string): Rng {
    return new Rng(this.seed, (hashName(name) ^ Math.imul(this.stream, 0x9e3779b1)) >>> 0);
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const index = Math.floor(this.drawn / WORDS_PER_BLOCK);
    if (index !== this.blockIndex) {
      philox([index >>> 0, Math.floor(index / 0x1_0000_0000), 0, 0], this.seed, this.stream, this.block);
      this.blockIndex = index;
    }
    return this.block[this.drawn++ % WORDS_PER_BLOCK]!;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.uint32() / 0x1_0000_0000);
  }

  /** An integer from 0 to `count - 1`. */
  integer(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** One element of a list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('Rng.pick needs a list with elements');
    return items[this.integer(items.length)]!;
  }

  /** Normal, by Box and Muller. Always draws two words, so that positions stay predictable. */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / 0x1_0000_0000));
    return mean + deviation * radius * Math.cos(2 * Math.PI * (this.uint32() / 0x1_0000_0000));
  }

  /** `count` independent normal numbers of deviation 1. */
  normals(count: number): Float32Array {
    const out = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / 0x1_0000_0000));
      const angle = 2 * Math.PI * (this.uint32() / 0x1_0000_0000);
      out[i] = radius * Math.cos(angle);
      if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
    }
    return out;
  }

  /** A random order of 0 .. count - 1 (Fisher and Yates). */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
    return order;
  }
}

/** The stream of one of several ranks: a fork of its own, and for rank 0 the stream itself, as a run of one process has it. */
export function ofRank(rng: Rng, rank: number): Rng {
  return rank === 0 ? rng : rng.fork(`rank ${rank}`);
}
