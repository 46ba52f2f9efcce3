import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { correlate, detailsOf } from '../../../src/data/check/details.js';
import {
  countBits,
  HASH_IMAGE_PX,
  hammingDistance,
  mirror,
  perceptualHash,
} from '../../../src/data/check/perceptual-hash.js';

const SIZE = HASH_IMAGE_PX;
const paint = (level: (x: number, y: number) => number): Uint8Array =>
  Uint8Array.from({ length: SIZE * SIZE }, (_, i) => level(i % SIZE, Math.floor(i / SIZE)));
const wave = (frequency: number) => (at: number) =>
  Math.cos((Math.PI * frequency * (2 * at + 1)) / (2 * SIZE));
/** Blobs at random places. */
const blobs = (seed: number): Uint8Array => {
  const rng = new Rng(seed, 'blobs');
  const list = Array.from({ length: 9 }, () => [rng.integer(SIZE), rng.integer(SIZE), rng.uniform(-60, 60)]);
  return paint((x, y) =>
    Math.max(
      0,
      Math.min(
        255,
        list.reduce((sum, [u, v, h]) => sum + h! * Math.exp(-((x - u!) ** 2 + (y - v!) ** 2) / 20), 128),
      ),
    ),
  );
};

describe('perceptualHash', () => {
  it('sets the bit of the only frequency in an image', () => {
    // Row 2, column 3 of the 8x8 frequencies: bit 2 * 8 + 3. All others are rounding, on both sides of their median.
    const grey = paint((x, y) => 128 + 100 * wave(3)(x) * wave(2)(y));
    expect(perceptualHash(grey).low & (1 << 19)).toBe(1 << 19);
    const inverse = paint((x, y) => 128 - 100 * wave(3)(x) * wave(2)(y));
    expect(perceptualHash(inverse).low & (1 << 19)).toBe(0);
  });

  it('sets half of the bits, and never that of the mean', () => {
    for (const seed of [1, 2, 3]) {
      const { high, low } = perceptualHash(blobs(seed));
      expect(countBits(high) + countBits(low)).toBe(31);
      expect(low & 1).toBe(0);
    }
  });

  it('changes few bits with brightness and contrast, but many with the image', () => {
    const image = blobs(1);
    const paler = image.map((level) => Math.round(level * 0.7 + 50));
    expect(hammingDistance(perceptualHash(image), perceptualHash(paler))).toBeLessThanOrEqual(4);
    for (const seed of [2, 3, 4, 5])
      expect(hammingDistance(perceptualHash(image), perceptualHash(blobs(seed)))).toBeGreaterThan(16);
  });
});

describe('hammingDistance', () => {
  it('counts different bits in both halves', () => {
    expect(hammingDistance({ high: 0xffffffff, low: 0 }, { high: 0, low: 0xffffffff })).toBe(64);
    expect(hammingDistance({ high: 0x80000001, low: 5 }, { high: 0, low: 4 })).toBe(3);
  });
});

describe('mirror', () => {
  it('exchanges left and right, and restores the image when applied twice', () => {
    expect(mirror(paint((x) => x))).toEqual(paint((x) => SIZE - 1 - x));
    const image = blobs(7);
    expect(mirror(mirror(image))).toEqual(image);
  });
});

describe('details', () => {
  it('details of an image correlate with those of brighter, paler or mirrored copies, but not of other images', () => {
    const details = detailsOf(blobs(1));
    expect(correlate(details, details, false)).toBeCloseTo(1, 6);
    const paler = detailsOf(blobs(1).map((level) => level * 0.5 + 80));
    expect(correlate(details, paler, false)).toBeGreaterThan(0.97);
    expect(correlate(details, detailsOf(mirror(blobs(1))), true)).toBeCloseTo(1, 6);
    expect(Math.abs(correlate(details, detailsOf(blobs(2)), false))).toBeLessThan(0.5);
  });

  it('details of a flat area are zero', () => {
    expect(detailsOf(paint(() => 200)).rootMeanSquare).toBe(0);
  });
});
