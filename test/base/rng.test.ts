import { describe, expect, it } from 'vitest';
import { philox, Rng } from '../../src/base/rng.js';

describe('philox', () => {
  // Known answers of Random123 1.14.0, kat_vectors: "philox4x32 10".
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published words for counter %j', (counter, key, words) => {
    const out = new Uint32Array(4);
    philox(counter, key[0]!, key[1]!, out);
    expect([...out]).toEqual(words);
  });
});

describe('Rng', () => {
  it('continues from a saved state with the very next word', () => {
    const rng = new Rng(7, 'a');
    for (let i = 0; i < 5; i++) rng.uint32();
    const saved = JSON.parse(JSON.stringify(rng.state()));
    const expected = [rng.normal(), rng.uniform(), rng.integer(10)];
    const resumed = Rng.fromState(saved);
    expect([resumed.normal(), resumed.uniform(), resumed.integer(10)]).toEqual(expected);
  });

  it('draws normal numbers of mean 0 and deviation 1', () => {
    const values = new Rng(1).normals(100_001);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });

  it('draws permutations that contain every index once and differ between streams', () => {
    const order = new Rng(1, 'x').permutation(100);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect([...new Rng(1, 'y').permutation(100)]).not.toEqual([...order]);
    expect([...new Rng(1).fork('x').permutation(9)]).toEqual([...new Rng(1).fork('x').permutation(9)]);
  });
});
