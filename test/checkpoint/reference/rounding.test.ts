import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { keepRounding, restoreRounding } from '../../../src/checkpoint/reference/rounding.js';
import { fromTorchTensor, toTorchTensor } from '../../../src/checkpoint/torch-layout.js';
import type { ParameterSpec } from '../../../src/model/parameters.js';

const COUNT = 20_000;
const specOf = (gain: number): ParameterSpec => ({
  shape: [COUNT],
  init: { value: 0 },
  gain,
  torch: { kind: 'vector' },
});
/** Bit for bit; vitest's own comparison of many numbers is slow. */
const same = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

/** Gains as layers have them: 1 / sqrt(inputs), times sqrt(2), 1 / sqrt(2) or a mapping rate of 0.01. */
const GAINS = [1, Math.SQRT2, 1 / Math.sqrt(27), Math.SQRT2 / Math.sqrt(4608), 0.01 / Math.sqrt(512), 1 / 3];

/** Normal numbers of many magnitudes. */
function drawn(name: string): Float32Array {
  const rng = new Rng(3, name);
  return rng.normals(COUNT).map((value) => value * 2 ** (rng.integer(60) - 40));
}

const there = (x: Float32Array, gain: number, power: number): Float32Array =>
  fromTorchTensor(specOf(gain), { shape: [COUNT], data: x }, power);
const back = (y: Float32Array, gain: number, power: number): Float32Array =>
  toTorchTensor(specOf(gain), y, power).data;

describe.each(GAINS)('a gain of %f', (gain) => {
  it.each([1, -1, -2])('to the power %i: the file comes back bit for bit', (power) => {
    const exact = drawn(`exact ${power}`);
    const ours = there(exact, gain, power);
    const recovered = back(ours, gain, power);
    const kept = keepRounding(exact, recovered, [COUNT]);
    if (kept) expect(kept.data).toBeInstanceOf(Int32Array);
    expect(same(restoreRounding(recovered, kept), exact)).toBe(true);
  });
  it.each([1, -1, -2])(
    'to the power %i: what came from the file is the same after going there and back',
    (power) => {
      const ours = there(drawn(`ours ${power}`), gain, power);
      expect(same(there(back(ours, gain, power), gain, power), ours)).toBe(true);
    },
  );
});

describe('numbers at the ends', () => {
  it('come back bit for bit too', () => {
    const exact = new Float32Array(COUNT);
    exact.set([0, -0, 1e-45, -1e-45, 3e-44, 1e-38, 3.4e38, -3.4e38, Infinity, -Infinity]);
    for (const gain of GAINS)
      for (const power of [1, -1, -2]) {
        const recovered = back(there(exact, gain, power), gain, power);
        const kept = keepRounding(exact, recovered, [COUNT]);
        expect(same(restoreRounding(recovered, kept), exact)).toBe(true);
      }
  });
  it('keeps nothing where nothing was lost', () => {
    const exact = drawn('exact');
    expect(keepRounding(exact, exact.slice(), [COUNT])).toBeUndefined();
  });
});
