import { beforeAll, describe, expect, it } from 'vitest';
import { freeUnusedMemory } from '../../../src/base/malloc-trim.js';
import { Rng } from '../../../src/base/rng.js';
import type { Features } from '../../../src/eval/statistics/features.js';
import { kernelDistance, wholeKernelDistance } from '../../../src/eval/statistics/kid.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { features, firstOf, held, normalFeatures, referenceFeatures } from '../../support/features.js';
import { readJson } from '../../support/reference.js';
import { rejectionMessage } from '../../support/rejection.js';

const rng = () => new Rng(7, 'kid');

/** Mean of the kernel over pairs, those of an image with itself left out where the sets are one. */
function meanKernel(a: Features, b: Features): number {
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j < b.count; j++) {
      if (a === b && i === j) continue;
      let dot = 0;
      for (let d = 0; d < a.dims; d++) dot += a.values[i * a.dims + d]! * b.values[j * b.dims + d]!;
      sum += (dot / a.dims + 1) ** 3;
      pairs++;
    }
  }
  return sum / pairs;
}

const byDefinition = (a: Features, b: Features): number =>
  meanKernel(a, a) + meanKernel(b, b) - 2 * meanKernel(a, b);

beforeAll(async () => {
  await loadEngine();
});

describe('kernelDistance', () => {
  const real = normalFeatures(1, 40, 5);
  const fake = normalFeatures(2, 30, 5, 0.4);

  it('equals the value of torch-fidelity 0.4.0', async () => {
    const figures = readJson<{ kid_16d_300: { kernel_inception_distance_mean: number } }>('metrics.json');
    const count = 300;
    const value = await kernelDistance(
      firstOf(referenceFeatures('frechet/x'), count),
      firstOf(referenceFeatures('frechet/y'), count),
      { rng: rng(), subsetSize: count },
    );
    expect(Math.abs(value.mean - figures.kid_16d_300.kernel_inception_distance_mean)).toBeLessThan(1e-6);
  });

  it('keeps nothing of a set but the images that it draws, for each of many subsets', async () => {
    const count = 20_000;
    const one = { values: new Float32Array(count).map((_, i) => i % 7), count, dims: 1 };
    let [most, subsets] = [0, 0];
    freeUnusedMemory();
    const before = process.memoryUsage().arrayBuffers;
    await kernelDistance(one, one, {
      rng: rng(),
      subsets: 200,
      subsetSize: 3,
      onProgress: () => {
        if (++subsets % 50 > 0) return;
        freeUnusedMemory();
        most = Math.max(most, process.memoryUsage().arrayBuffers);
      },
    });
    expect(most).toBeGreaterThan(0);
    // A permutation of both sets for each subset would be 32 MB.
    expect(most - before).toBeLessThan(4e6);
  });

  it('equals the unbiased estimate by its definition, in one block or several', async () => {
    for (const [count, dims] of [
      [30, 5],
      [2100, 2],
    ] as const) {
      const [a, b] = [normalFeatures(3, count, dims), normalFeatures(4, count, dims, 0.2)];
      const { mean, values, deviation, note } = await kernelDistance(a, b, { rng: rng(), subsetSize: count });
      expect(mean).toBeCloseTo(byDefinition(a, b), 11);
      expect(values).toEqual([mean]);
      expect(deviation).toBe(0);
      expect(note).toBe(`one subset, of all ${count} images of each side: there is no deviation`);
    }
  });

  it('gives the same value for a subset with its own kernel matrix and with a shared one', async () => {
    // 3 small subsets have kernels of their own; for 300, one kernel of everything is less work.
    const few = await kernelDistance(real, fake, { rng: rng(), subsets: 3, subsetSize: 8 });
    const many = await kernelDistance(real, fake, { rng: rng(), subsets: 300, subsetSize: 8 });
    few.values.forEach((value, s) => {
      expect(value).toBeCloseTo(many.values[s]!, 12);
    });
    expect(new Set(many.values).size).toBe(300);
    expect(many.note).toBeNull();
    // Unbiased: over many subsets the mean comes near that of the whole sets.
    const standardError = many.deviation / Math.sqrt(300);
    expect(Math.abs(many.mean - byDefinition(real, fake))).toBeLessThan(4 * standardError);
  });

  it('draws the images of a subset without replacement', async () => {
    // 9 of 10 images, two of which are far off: a subset has one of them or both, so that there are two values.
    const flat = features(10, 1, (row) => (row === 4 || row === 7 ? 100 : 1));
    const other = features(9, 1, () => 1);
    const { values } = await kernelDistance(flat, other, { rng: rng(), subsets: 200, subsetSize: 9 });
    const kinds = new Set(values.map((value) => Math.round(value)));
    expect(kinds.size).toBe(2);
  });

  it('gives mean and deviation over the subsets, divided by their number', async () => {
    const { values, mean, deviation } = await kernelDistance(real, fake, {
      rng: rng(),
      subsets: 4,
      subsetSize: 20,
    });
    const average = values.reduce((sum, value) => sum + value, 0) / 4;
    expect(mean).toBeCloseTo(average, 14);
    expect(deviation).toBeCloseTo(
      Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / 4),
      14,
    );
  });

  it('uses smaller subsets if a set has fewer images, and says so', async () => {
    const value = await kernelDistance(real, fake, { rng: rng(), subsets: 5, subsetSize: 1000 });
    expect(value.subsetSize).toBe(30);
    expect(value.values).toHaveLength(5);
    expect(value.note).toBe('subsets of 30 images in place of 1000: the smaller set has no more');
  });

  it('depends only on the sets and the generator, and leaves no tensor', async () => {
    const before = held();
    const options = { subsets: 6, subsetSize: 10 };
    const once = await kernelDistance(real, fake, { rng: rng(), ...options });
    expect(await kernelDistance(real, fake, { rng: rng(), ...options })).toEqual(once);
    const other = await kernelDistance(real, fake, { rng: new Rng(8, 'kid'), ...options });
    expect(other.mean).not.toBe(once.mean);
    expect(held()).toEqual(before);
  });

  it('reports its progress, and stops on a signal', async () => {
    const reported: [number, number][] = [];
    const controller = new AbortController();
    const options = { rng: rng(), subsets: 3, subsetSize: 8 };
    await kernelDistance(real, fake, { ...options, onProgress: (...at) => reported.push(at) });
    const [last, total] = reported.at(-1)!;
    expect(last).toBe(total);
    expect(reported.map(([done]) => done)).toEqual(reported.map(([done]) => done).toSorted((a, b) => a - b));
    const stopped = kernelDistance(real, fake, {
      ...options,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('stop')),
    });
    await expect(stopped).rejects.toThrow('stop');
  });

  it('rejects single images, features that are not finite, and subsets without pairs', async () => {
    expect(await rejectionMessage(kernelDistance(real, firstOf(fake, 1), { rng: rng() }))).toContain(
      "at least 2 images of the set 'fake' for an unbiased kernel distance but found 1",
    );
    const bad = { ...real, values: real.values.slice() };
    bad.values[0] = Number.NaN;
    expect(await rejectionMessage(kernelDistance(bad, fake, { rng: rng() }))).toContain('finite features');
    expect(await rejectionMessage(kernelDistance(real, normalFeatures(1, 9, 4), { rng: rng() }))).toContain(
      'features of one network',
    );
    await expect(kernelDistance(real, fake, { rng: rng(), subsetSize: 1 })).rejects.toThrow(RangeError);
    await expect(kernelDistance(real, fake, { rng: rng(), subsets: 0 })).rejects.toThrow(RangeError);
  });
});

describe('wholeKernelDistance', () => {
  it('equals the unbiased estimate by its definition for sets of different sizes, in one block or several', async () => {
    for (const [m, n] of [
      [2, 31],
      [40, 7],
      [2100, 3],
    ] as const) {
      const [a, b] = [normalFeatures(3, m, 2), normalFeatures(4, n, 2, 0.2)];
      const expected = byDefinition(a, b);
      expect(Math.abs((await wholeKernelDistance(a, b)) / expected - 1)).toBeLessThan(1e-9);
      expect(Math.abs((await wholeKernelDistance(b, a)) / expected - 1)).toBeLessThan(1e-9);
    }
  });

  it('rejects fewer than two images of a side', async () => {
    const [one, many] = [normalFeatures(1, 1, 3), normalFeatures(2, 5, 3)];
    await expect(wholeKernelDistance(one, many)).rejects.toThrow(/real/);
    await expect(wholeKernelDistance(many, one)).rejects.toThrow(/fake/);
  });
});
