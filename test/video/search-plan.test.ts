import { describe, expect, it } from 'vitest';
import { describeSearch, fullSearch, planSearch } from '../../src/video/search-plan.js';

/** The sample model, and the paper's network with half of its channels and with all. */
const SAMPLE = { multiplications: 0.26e9, pixels: 64 ** 2 };
const HALF = { multiplications: 8.7e9, pixels: 256 ** 2 };
const FULL = { multiplications: 34.8e9, pixels: 256 ** 2 };
const HD = { width: 1280, height: 720 };

describe('the plan of a search for faces', () => {
  it('a model that is slower than the detector leaves time for five looks a second', () => {
    expect(planSearch(FULL, HD, 25)).toEqual(fullSearch(25));
    expect(planSearch(HALF, HD, 25)).toEqual(fullSearch(25));
    expect(fullSearch(25)).toEqual({ stride: 5, keyFramesOnly: false });
    expect(fullSearch(2)).toEqual({ stride: 1, keyFramesOnly: false });
  });

  it('a model that is faster than decoding leaves time for some key frames alone', () => {
    const { stride, keyFramesOnly } = planSearch(SAMPLE, HD, 25);
    expect(keyFramesOnly).toBe(true);
    expect(stride).toBeGreaterThan(25);
    expect(stride).toBeLessThan(100);
  });

  it('models in between have fewer looks, the fewer the faster they are', () => {
    const strides = [5, 4, 3].map((share) => {
      const work = { multiplications: HALF.multiplications / share, pixels: HALF.pixels };
      return planSearch(work, { width: 640, height: 360 }, 25);
    });
    expect(strides.map(({ keyFramesOnly }) => keyFramesOnly)).toEqual([false, false, false]);
    expect(strides[0]!.stride).toBeGreaterThan(strides[1]!.stride);
    expect(strides[1]!.stride).toBeGreaterThan(strides[2]!.stride);
    expect(strides[2]!.stride).toBeGreaterThan(5);
  });

  it('the looks of a plan never follow each other faster than those of a full search', () => {
    for (const work of [SAMPLE, HALF, FULL])
      for (const extent of [{ width: 160, height: 90 }, HD, { width: 3840, height: 2160 }])
        for (const rate of [1, 24, 60])
          expect(planSearch(work, extent, rate).stride).toBeGreaterThanOrEqual(fullSearch(rate).stride);
  });

  it('the same video and model always have the same plan', () => {
    expect(planSearch(SAMPLE, HD, 30)).toEqual(planSearch(SAMPLE, HD, 30));
  });
});

describe('what is said about a search', () => {
  it('a reduced search says how many frames it looked at, and how to look at more', () => {
    expect(describeSearch({ stride: 50, keyFramesOnly: true }, 7, 25)).toMatch(
      /7 key frames .*--face largest/,
    );
    expect(describeSearch({ stride: 50, keyFramesOnly: true }, 1, 25)).toMatch(/1 key frame /);
    expect(describeSearch({ stride: 9, keyFramesOnly: false }, 30, 25)).toMatch(/30 frames .*--face largest/);
    expect(describeSearch(fullSearch(25), 30, 25)).not.toContain('--face largest');
  });
});
