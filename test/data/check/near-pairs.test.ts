import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { findNearPairs } from '../../../src/data/check/near-pairs.js';
import { type Hash64, hammingDistance } from '../../../src/data/check/perceptual-hash.js';

/** Random hashes, every third one a few bits away from an earlier one. */
function hashes(count: number, seed: number): Hash64[] {
  const rng = new Rng(seed, 'hashes');
  const out: Hash64[] = [];
  for (let i = 0; i < count; i++) {
    const hash = i % 3 === 2 ? { ...rng.pick(out) } : { high: rng.uint32(), low: rng.uint32() };
    const flips = i % 3 === 2 ? rng.integer(20) : 0;
    for (let flip = 0; flip < flips; flip++) {
      if (rng.integer(2) === 0) hash.high = (hash.high ^ (1 << rng.integer(32))) >>> 0;
      else hash.low = (hash.low ^ (1 << rng.integer(32))) >>> 0;
    }
    out.push(hash);
  }
  return out;
}

function everyPair(list: readonly Hash64[], queries: readonly Hash64[], limit: number): string[] {
  return list
    .flatMap((_, later) =>
      list.slice(0, later).map((hash, earlier) => {
        const distance = hammingDistance(queries[later]!, hash);
        return distance <= limit ? `${later} ${earlier} ${distance}` : '';
      }),
    )
    .filter((pair) => pair !== '')
    .sort();
}

async function found(list: readonly Hash64[], queries: readonly Hash64[], limit: number): Promise<string[]> {
  const pairs: string[] = [];
  const onPair = (later: number, earlier: number, distance: number) =>
    pairs.push(`${later} ${earlier} ${distance}`);
  await findNearPairs({ hashes: list, queries, limit, onPair });
  return pairs.sort();
}

describe('findNearPairs', () => {
  it.each([0, 1, 3, 4, 8, 10, 16])('finds each pair within %i bits once, and no other', async (limit) => {
    const list = hashes(400, limit);
    const expected = everyPair(list, list, limit);
    expect(expected.length).toBeGreaterThan(1);
    expect(await found(list, list, limit)).toEqual(expected);
  });

  it('searches for hashes that are not in the list', async () => {
    const list = hashes(300, 1);
    const queries = list.map((_, i) => list[(i + 7) % list.length]!);
    expect(await found(list, queries, 8)).toEqual(everyPair(list, queries, 8));
  });

  it('does work for the frames of one scene that grows with their number, and finds each of them', async () => {
    const rng = new Rng(5, 'scene');
    // Each differs from the next in at most two bits of sixteen.
    const scene = (count: number) =>
      Array.from({ length: count }, (): Hash64 => ({ high: 1 << rng.integer(16), low: 77 }));
    const work = async (count: number): Promise<number> => {
      const list = scene(count);
      const partners = new Set<number>();
      let pairs = 0;
      const onPair = (later: number) => {
        pairs++;
        partners.add(later);
      };
      const crowded = await findNearPairs({ hashes: list, queries: list, limit: 8, onPair });
      expect(partners.size).toBe(count - 1);
      expect(crowded.slice(0, 64).every((flag) => flag === 0)).toBe(true);
      expect(crowded.slice(1000).every((flag) => flag === 1)).toBe(true);
      return pairs;
    };
    const [few, many] = [await work(2000), await work(8000)];
    expect(few).toBeLessThan(2000 * 64 * 3);
    expect(many).toBeLessThan(4.2 * few);
  });

  it('searches for each image of another group, however crowded the first is', async () => {
    const list = Array<Hash64>(500).fill({ high: 1, low: 2 });
    const groups = list.map((_, i) => (i < 400 ? 0 : 1));
    let across = 0;
    const onPair = (later: number, earlier: number) => void (later >= 400 && earlier < 400 && across++);
    await findNearPairs({ hashes: list, queries: list, limit: 0, onPair, groups });
    expect(across).toBe(100 * 64);
  });

  it('stops when the signal aborts', async () => {
    const list = Array<Hash64>(3000).fill({ high: 1, low: 2 });
    let pairs = 0;
    const onPair = () => void pairs++;
    const groups = list.map((_, i) => i);
    const signal = AbortSignal.abort();
    await findNearPairs({ hashes: list, queries: list, limit: 0, onPair, groups, signal });
    expect(pairs).toBeGreaterThan(0);
    expect(pairs).toBeLessThan((3000 * 2999) / 2);
  });
});
