import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import { Sampler } from '../../src/data/sampler.js';

const sampler = (count: number, seed = 1) => new Sampler(count, new Rng(seed, 'sampler'));
const take = (source: Sampler, batch: number, batches: number) =>
  Array.from({ length: batches }, () => [...source.next(batch)]);
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

describe('Sampler', () => {
  it('returns every index once an epoch, in a new order each time', () => {
    const source = sampler(12);
    const epochs = [0, 1, 2].map(() => take(source, 4, 3).flat());
    for (const epoch of epochs) expect(sorted(epoch)).toEqual([...Array(12).keys()]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(epochs[1]).not.toEqual(epochs[2]);
    expect(epochs[0]).not.toEqual([...Array(12).keys()]);
  });

  it('drops an incomplete batch at the end of an epoch', () => {
    const source = sampler(10);
    for (let epoch = 0; epoch < 4; epoch++) {
      const indices = take(source, 4, 2).flat();
      expect(new Set(indices).size).toBe(8);
      expect(source.state()).toMatchObject({ epoch, position: 8 });
    }
  });

  it('returns every index at every place equally often over many epochs', () => {
    const source = sampler(5);
    const counts = Array.from({ length: 5 }, () => [0, 0, 0, 0, 0]);
    for (let epoch = 0; epoch < 5000; epoch++) {
      for (const [place, index] of source.next(5).entries()) counts[place]![index]!++;
    }
    // 1000 expected, deviation 28; six of them as the bound.
    for (const count of counts.flat()) expect(Math.abs(count - 1000)).toBeLessThan(170);
  });

  it('continues into the next epochs for a batch that is larger than the set', () => {
    const source = sampler(3);
    const indices = take(source, 7, 6).flat();
    for (let i = 0; i < indices.length; i += 3) expect(sorted(indices.slice(i, i + 3))).toEqual([0, 1, 2]);
    expect([...sampler(1).next(4)]).toEqual([0, 0, 0, 0]);
  });

  it('depends on the seed alone, and does not change the generator that it gets', () => {
    const rng = new Rng(1, 'sampler');
    const given = new Sampler(50, rng);
    expect(rng.state()).toEqual(new Rng(1, 'sampler').state());
    expect(take(given, 7, 30)).toEqual(take(sampler(50), 7, 30));
    expect(take(sampler(50, 2), 7, 1)).not.toEqual(take(sampler(50), 7, 1));
  });

  it.each([
    [10, 4],
    [3, 7],
    [6, 3],
  ])('goes on from any state as if nothing had happened (%i images, batch %i)', (count, batch) => {
    const whole = take(sampler(count), batch, 20);
    for (let cut = 0; cut <= 12; cut++) {
      const before = sampler(count);
      const first = take(before, batch, cut);
      const text = JSON.stringify(before.state());
      const after = Sampler.fromState(JSON.parse(text));
      expect(JSON.stringify(after.state())).toBe(text);
      expect([...first, ...take(after, batch, 20 - cut)]).toEqual(whole);
    }
  });

  it('does not depend on how often its state is read', () => {
    const asked = sampler(10);
    const batches = Array.from({ length: 15 }, () => {
      asked.state();
      asked.state().rng.drawn = 99;
      return [...asked.next(3)];
    });
    expect(batches).toEqual(take(sampler(10), 3, 15));
  });

  it('gives ranks parts of one batch that do not overlap, and all of them one state', () => {
    const whole = sampler(12);
    const ranks = [0, 1, 2].map((rank) => ({ rank, size: 3, sampler: sampler(12) }));
    for (let step = 0; step < 5; step++) {
      const expected = [...whole.next(6)];
      const parts = ranks.map(({ sampler: own, ...share }) => [...own.next(2, share)]);
      expect(parts.flat()).toEqual(expected);
      for (const { sampler: own } of ranks) expect(own.state()).toEqual(whole.state());
    }
    const shared = ranks.map(({ sampler: own, ...share }) => [...own.next(2, { ...share, withFirst: true })]);
    expect(shared.map((part) => part[2])).toEqual(shared.map(() => shared[0]![0]));
  });

  it('rejects an empty set, an empty batch and invalid states', () => {
    expect(() => sampler(0)).toThrow(InputError);
    expect(() => sampler(3).next(0)).toThrow(RangeError);
    const state = sampler(3).state();
    for (const bad of [{ ...state, position: 4 }, { ...state, count: 0 }, { ...state, rng: {} }, {}, null]) {
      expect(() => Sampler.fromState(bad as typeof state)).toThrow(InputError);
    }
  });
});
