import { beforeAll, describe, expect, it } from 'vitest';
import { densityCoverage } from '../../../src/eval/statistics/density-coverage.js';
import type { Features } from '../../../src/eval/statistics/features.js';
import { precisionRecall } from '../../../src/eval/statistics/precision-recall.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { features, firstOf, held, normalFeatures } from '../../support/features.js';
import { formulaTensor } from '../../support/reference.js';
import { rejectionMessage } from '../../support/rejection.js';

async function measure(real: Features, fake: Features, neighbours: number) {
  return {
    ...(await precisionRecall(real, fake, { neighbours })),
    ...(await densityCoverage(real, fake, { neighbours })),
  };
}

beforeAll(async () => {
  await loadEngine();
});

describe('precision, recall, density and coverage', () => {
  const real: Features = { values: formulaTensor(1, [40, 6], 1, 0), count: 40, dims: 6 };
  const fake: Features = { values: formulaTensor(2, [30, 6], 0.8, 0.3), count: 30, dims: 6 };

  // What compute_prdc of package prdc 0.2 gives for these features.
  it.each([
    { neighbours: 1, precision: 0.4, recall: 0.275, density: 0.6, coverage: 0.325 },
    { neighbours: 3, precision: 28 / 30, recall: 0.4, density: 10 / 9, coverage: 0.525 },
    { neighbours: 5, precision: 1, recall: 0.5, density: 1.0133333333333334, coverage: 0.65 },
    { neighbours: 20, precision: 1, recall: 0.975, density: 0.9316666666666666, coverage: 1 },
  ])('equal those of prdc for $neighbours neighbours', async ({ neighbours, ...expected }) => {
    const found = await measure(real, fake, neighbours);
    for (const [name, value] of Object.entries(expected))
      expect(found[name as keyof typeof found], name).toBeCloseTo(value, 12);
  });

  it('count correctly over several blocks', async () => {
    // Real images at whole numbers, whose balls reach to the next; generated ones half-way, of the first half only.
    const count = 2200;
    const line = features(count, 1, (row) => row);
    const half = features(count / 2, 1, (row) => row + 0.5);
    const reported: [number, number][] = [];
    const found = await densityCoverage(line, half, {
      neighbours: 1,
      onProgress: (...at) => reported.push(at),
    });
    expect(found).toEqual({ density: 2, coverage: (count / 2 + 1) / count });
    expect(reported.length).toBeGreaterThan(2);
    expect(reported.at(-1)).toEqual([count ** 2 + (count * count) / 2, count ** 2 + (count * count) / 2]);
    expect(await precisionRecall(line, half, { neighbours: 1 })).toEqual({
      precision: 1,
      recall: (count / 2 + 1) / count,
    });
  });

  it('are 1 for a set and itself, and 0 for sets far apart', async () => {
    const own = await measure(real, { ...real, values: real.values.slice() }, 3);
    expect(own).toMatchObject({ precision: 1, recall: 1, coverage: 1 });
    const far = { ...fake, values: fake.values.map((value) => value + 100) };
    expect(await measure(real, far, 3)).toEqual({ precision: 0, recall: 0, density: 0, coverage: 0 });
  });

  it('are swapped if the sets are', async () => {
    const forth = await precisionRecall(real, fake);
    const back = await precisionRecall(fake, real);
    expect(back).toEqual({ precision: forth.recall, recall: forth.precision });
  });

  it('are 0 for equal images, since nothing is nearer than a radius of 0', async () => {
    // A value whose square is not exact in doubles: its distance from itself is rounding unless told apart.
    const same = features(12, 7, (_, d) => 0.1 + d / 3);
    expect(await measure(same, firstOf(same, 9), 3)).toEqual({
      precision: 0,
      recall: 0,
      density: 0,
      coverage: 0,
    });
  });

  it('leave no tensor, and stop on a signal', async () => {
    const before = held();
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort(new Error('stop')) };
    await expect(precisionRecall(real, fake, options)).rejects.toThrow('stop');
    await expect(densityCoverage(real, fake, options)).rejects.toThrow('stop');
    expect(held()).toEqual(before);
  });

  it('reject fewer images than neighbours + 1, and features that are not finite', async () => {
    const few = firstOf(fake, 3);
    expect(await rejectionMessage(precisionRecall(real, few))).toContain(
      "at least 4 images of the set 'fake' for 3 neighbours of each but found 3",
    );
    expect(await rejectionMessage(precisionRecall(firstOf(real, 3), fake))).toContain("of the set 'real'");
    expect(await rejectionMessage(densityCoverage(firstOf(real, 5), fake))).toContain('at least 6 images');
    // The neighbours of generated images among themselves do not count there.
    await expect(densityCoverage(real, firstOf(fake, 1))).resolves.toBeDefined();
    expect(await rejectionMessage(densityCoverage(real, firstOf(fake, 0)))).toContain('at least 1 image');
    const bad = { ...fake, values: fake.values.slice() };
    bad.values[5] = Number.NaN;
    expect(await rejectionMessage(precisionRecall(real, bad))).toContain('found NaN in feature 5 of image 0');
    expect(await rejectionMessage(precisionRecall(real, normalFeatures(1, 9, 4)))).toContain('one network');
    await expect(precisionRecall(real, fake, { neighbours: 0 })).rejects.toThrow(RangeError);
  });
});
