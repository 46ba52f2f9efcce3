import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/base/hash.js';
import type { FeatureExtractor } from '../../../src/eval/features/extractor.js';
import { withFeatureCache } from '../../../src/eval/features/feature-store.js';
import type { MeasuredImage } from '../../../src/eval/measured-image.js';
import { withFailingCalls } from '../../support/faults.js';
import { leaveTemporary } from '../../support/leftovers.js';

const DIMS = 5;
const ID = sha256('an extractor');

/** Features that tell the image's name, and the names of what was extracted. */
function fakeExtractor(id = ID): FeatureExtractor & { extracted: string[] } {
  const extracted: string[] = [];
  return {
    extracted,
    id,
    kind: 'inception',
    description: 'a fake',
    dims: DIMS,
    dispose: () => undefined,
    extract: async (images, { onProgress } = {}) => {
      extracted.push(...images.map(({ name }) => name));
      onProgress?.(images.length, images.length);
      return Float32Array.from(images.flatMap(({ name }) => featuresOf(name)));
    },
  };
}

const featuresOf = (name: string): number[] =>
  Array.from({ length: DIMS }, (_, i) => Math.fround(name.charCodeAt(0) / 3 - i));
const expected = (...names: string[]) => Float32Array.from(names.flatMap(featuresOf));
const image = (name: string): MeasuredImage => ({
  name,
  hash: () => Promise.resolve(sha256(name)),
  read: () => Promise.reject(new Error('is not read')),
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gnr-feature-cache-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const [a, b, c] = ['a', 'b', 'c'].map(image) as [MeasuredImage, MeasuredImage, MeasuredImage];
const fileOf = (name: string, id = ID) => join(dir, id, sha256(name));

describe('the cache of features', () => {
  it('extracts an image once, and returns the same features afterwards', async () => {
    const first = fakeExtractor();
    expect(await withFeatureCache(first, dir).extract([a, b, a])).toEqual(expected('a', 'b', 'a'));
    expect(first.extracted).toEqual(['a', 'b']);
    const second = fakeExtractor();
    const cached = withFeatureCache(second, dir);
    expect({ id: cached.id, dims: cached.dims, kind: cached.kind }).toEqual({
      id: ID,
      dims: DIMS,
      kind: 'inception',
    });
    const progress: [number, number][] = [];
    const onProgress = (done: number, total: number) => progress.push([done, total]);
    expect(await cached.extract([b, c, a], { onProgress })).toEqual(expected('b', 'c', 'a'));
    expect(second.extracted).toEqual(['c']);
    expect(progress).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  it('leaves exactly one file for each image', async () => {
    await withFeatureCache(fakeExtractor(), dir).extract([a, b]);
    expect((await readdir(join(dir, ID))).sort()).toEqual(['a', 'b'].map((name) => sha256(name)).sort());
  });

  it('is made for this user alone where there is none', async () => {
    const cache = join(dir, 'cache');
    await withFeatureCache(fakeExtractor(), join(cache, 'features')).extract([a]);
    for (const folder of [cache, join(cache, 'features')])
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('separates extractors', async () => {
    await withFeatureCache(fakeExtractor(), dir).extract([a]);
    const other = fakeExtractor(sha256('another'));
    await withFeatureCache(other, dir).extract([a]);
    expect(other.extracted).toEqual(['a']);
  });

  it('does not cache images without a hash', async () => {
    const made: MeasuredImage = { name: 'd', read: a.read };
    const extractor = fakeExtractor();
    const cached = withFeatureCache(extractor, dir);
    await cached.extract([made, made]);
    expect(await cached.extract([made])).toEqual(expected('d'));
    expect(extractor.extracted).toEqual(['d', 'd']);
  });

  const damages: [string, () => Promise<void>][] = [
    ['empty', () => writeFile(fileOf('a'), '')],
    ['cut off', async () => writeFile(fileOf('a'), (await readFile(fileOf('a'))).subarray(0, -1))],
    [
      'changed by a bit',
      async () => {
        const bytes = await readFile(fileOf('a'));
        bytes[2]! ^= 1;
        await writeFile(fileOf('a'), bytes);
      },
    ],
    ["another image's", async () => writeFile(fileOf('a'), await readFile(fileOf('b')))],
  ];
  it.each(damages)('extracts features again if their file is %s, and repairs it', async (_, damage) => {
    await withFeatureCache(fakeExtractor(), dir).extract([a, b]);
    await damage();
    const again = fakeExtractor();
    expect(await withFeatureCache(again, dir).extract([a, b])).toEqual(expected('a', 'b'));
    expect(again.extracted).toEqual(['a']);
    const last = fakeExtractor();
    expect(await withFeatureCache(last, dir).extract([a])).toEqual(expected('a'));
    expect(last.extracted).toEqual([]);
  });

  it('works without its folder if that cannot be made, read or written', async () => {
    const file = join(dir, 'file');
    await writeFile(file, '');
    expect(await withFeatureCache(fakeExtractor(), file).extract([a, b])).toEqual(expected('a', 'b'));
    await withFeatureCache(fakeExtractor(), dir).extract([a]);
    const failingCalls = [
      ['readFile', 'EACCES', a],
      ['writeFile', 'ENOSPC', b],
      ['rename', 'EROFS', c],
    ] as const;
    for (const [call, code, image] of failingCalls) {
      const extractor = fakeExtractor();
      const times = await withFailingCalls(code, call, /gnr-feature-cache-/, async () => {
        expect(await withFeatureCache(extractor, dir).extract([image])).toEqual(expected(image.name));
      });
      expect([extractor.extracted, times]).toEqual([[image.name], 1]);
    }
    expect(await readdir(join(dir, ID))).toEqual([sha256('a')]);
  });

  it('removes the half-written files of a dead process', async () => {
    await withFeatureCache(fakeExtractor(), dir).extract([a]);
    await leaveTemporary(join(dir, ID, sha256('b')), 'half');
    await withFeatureCache(fakeExtractor(), dir).extract([b]);
    expect((await readdir(join(dir, ID))).length).toBe(2);
  });

  it("throws an image's own error", async () => {
    const broken: MeasuredImage = { ...a, hash: () => Promise.reject(new Error('no such file')) };
    await expect(withFeatureCache(fakeExtractor(), dir).extract([b, broken])).rejects.toThrow('no such file');
  });
});
