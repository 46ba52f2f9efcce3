import { describe, expect, it } from 'vitest';
import type { FeatureExtractor } from '../../../src/eval/features/extractor.js';
import { FeatureCache } from '../../../src/eval/features/feature-cache.js';
import { joinRows, OutputFeatures } from '../../../src/eval/features/output-features.js';
import { type MeasuredImage, memoryImage } from '../../../src/eval/measured-image.js';

const image = (value: number): MeasuredImage =>
  memoryImage(`image ${value}`, { data: Uint8Array.of(value, 0, 0), width: 1, height: 1 });

/** Two features of an image: its first number and that times 10. */
function desk() {
  const asked: string[] = [];
  let disposed = 0;
  const extractor: FeatureExtractor = {
    id: 'test',
    kind: 'inception',
    description: 'numbers',
    dims: 2,
    async extract(images) {
      asked.push(...images.map(({ name }) => name));
      const values = await Promise.all(images.map(async (image) => (await image.read()).data[0]!));
      return Float32Array.from(values.flatMap((value) => [value, 10 * value]));
    },
    dispose: () => {
      disposed++;
    },
  };
  return { desk: new FeatureCache(async () => extractor), asked, disposals: () => disposed };
}

describe('OutputFeatures', () => {
  it('extracts each image once, however many metrics ask and however often it occurs', async () => {
    const { desk: owner, asked } = desk();
    const outputs = new OutputFeatures(owner);
    const [a, b, c] = [image(1), image(2), image(3)];
    expect(await outputs.of('inception', [a, a, b])).toEqual([
      Float32Array.of(1, 10),
      Float32Array.of(1, 10),
      Float32Array.of(2, 20),
    ]);
    await outputs.of('inception', [b, c]);
    expect(asked).toEqual(['image 1', 'image 2', 'image 3']);
  });
});

describe('FeatureCache', () => {
  it('computes the features of a list once, and tries again after a failure', async () => {
    const { desk: owner, asked, disposals } = desk();
    const list = [image(1), image(2)];
    const first = await owner.featuresOf('inception', list);
    expect(first).toEqual({ values: Float32Array.of(1, 10, 2, 20), count: 2, dims: 2 });
    expect(await owner.featuresOf('inception', list)).toBe(first);
    expect(asked).toHaveLength(2);
    let isBroken = true;
    const fragile: MeasuredImage = {
      name: 'fragile',
      read: () => (isBroken ? Promise.reject(new Error('gone')) : image(5).read()),
    };
    const broken = [fragile];
    await expect(owner.featuresOf('inception', broken)).rejects.toThrow('gone');
    isBroken = false;
    expect((await owner.featuresOf('inception', broken)).values).toEqual(Float32Array.of(5, 50));
    await owner.dispose();
    expect(disposals()).toBe(1);
  });
});

describe('joinRows', () => {
  it('joins vectors as rows', () => {
    expect(joinRows([Float32Array.of(1, 2), Float32Array.of(3, 4)])).toEqual({
      values: Float32Array.of(1, 2, 3, 4),
      count: 2,
      dims: 2,
    });
    expect(() => joinRows([])).toThrow(RangeError);
  });
});
