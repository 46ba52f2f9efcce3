import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError, InterruptedError } from '../../src/base/errors.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { readFactors } from '../../src/sample/factors-file.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gnr-sample-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Hash of each file of a folder, by path. */
async function hashes(dir: string): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    out[path.slice(dir.length + 1)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  }
  return out;
}

async function draw(name: string, options: Partial<Parameters<typeof drawSampleDataset>[0]> = {}) {
  const dir = join(root, name);
  await drawSampleDataset({ dir, images: 3, testImages: 2, size: 48, seed: 5, ...options });
  return hashes(dir);
}

describe('the sample dataset', () => {
  test('has four folders of square RGB images, and the factors', async () => {
    const files = Object.keys(await draw('set')).sort();
    expect(files).toEqual([
      'factors.json',
      'testA/00000.png',
      'testA/00001.png',
      'testB/00000.png',
      'testB/00001.png',
      'trainA/00000.png',
      'trainA/00001.png',
      'trainA/00002.png',
      'trainB/00000.png',
      'trainB/00001.png',
      'trainB/00002.png',
    ]);
    for (const file of files.slice(1)) {
      const { format, width, height, channels } = await sharp(join(root, 'set', file)).metadata();
      expect({ format, width, height, channels }).toEqual({
        format: 'png',
        width: 48,
        height: 48,
        channels: 3,
      });
    }
    expect(await readdir(root)).toEqual(['set']);
  });

  test('has the same bytes for the same seed, and other images for another', async () => {
    const first = await draw('first');
    expect(await draw('again')).toEqual(first);
    const other = await draw('other', { seed: 6 });
    for (const [path, hash] of Object.entries(first)) expect(other[path]).not.toBe(hash);
    expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length);
  });

  test('has images that do not depend on their number', async () => {
    const few = await draw('few');
    const more = await draw('more', { images: 5, testImages: 4 });
    for (const [path, hash] of Object.entries(few)) {
      if (path !== 'factors.json') expect(more[path]).toBe(hash);
    }
  });

  test.each(['pastel', 'print'])('of the family %s differs only in the style of domain B', async (family) => {
    const vivid = await draw('vivid');
    const other = await draw('other', { family });
    for (const [path, hash] of Object.entries(vivid)) {
      if (path.includes('A/')) expect(other[path]).toBe(hash);
      else expect(other[path]).not.toBe(hash);
    }
    const one = await readFactors(join(root, 'vivid'));
    const two = await readFactors(join(root, 'other'));
    for (const name of Object.keys(one.images)) {
      expect(two.images[name]!.content).toEqual(one.images[name]!.content);
    }
    expect(two.images['trainB/00000.png']!.style).toMatchObject({ manner: 'anime', family });
  });
});

test('a sample dataset of several families has each image as a set of its family has it', async () => {
  const alone = {
    vivid: await draw('vivid', { images: 12 }),
    print: await draw('print', { images: 12, family: 'print' }),
  };
  const mixed = await draw('mixed', { images: 12, family: 'print, vivid' });
  const { family, images } = await readFactors(join(root, 'mixed'));
  expect(family).toEqual(['vivid', 'print']);
  const drawn = Object.entries(images).filter(([path]) => path.includes('B/'));
  const families = drawn.map(([path, { style }]) => {
    if (style.manner !== 'anime') throw new Error(`${path} is no anime`);
    const name = style.family as keyof typeof alone;
    expect(mixed[path]).toBe(alone[name][path]);
    return name;
  });
  expect(new Set(families)).toEqual(new Set(['vivid', 'print']));
  for (const path of Object.keys(mixed)) if (path.includes('A/')) expect(mixed[path]).toBe(alone.vivid[path]);
});

test('a list of one family gives the dataset of that family', async () => {
  expect(await draw('list', { family: 'pastel,pastel' })).toEqual(await draw('one', { family: 'pastel' }));
});

describe('the folder of a sample dataset', () => {
  test('may exist if it is empty, and its parents are created', async () => {
    await mkdir(join(root, 'empty'));
    expect(Object.keys(await draw('empty'))).toHaveLength(11);
    expect(Object.keys(await draw('deep/er/set'))).toHaveLength(11);
  });

  test('is rejected and left alone if it is not empty', async () => {
    await mkdir(join(root, 'used'));
    await writeFile(join(root, 'used', 'mine.txt'), 'mine');
    await expect(draw('used')).rejects.toThrow(InputError);
    await expect(draw('used')).rejects.toThrow(
      `Expected a new or empty folder at ${join(root, 'used')} but found 1 entry in it; choose another folder, or empty this one.`,
    );
    expect(await readdir(join(root, 'used'))).toEqual(['mine.txt']);
    expect(await readdir(root)).toEqual(['used']);
  });

  test('is rejected if it is a file or lies in one', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(draw('file')).rejects.toThrow(/new or empty folder at .*file but found a file/);
    await expect(draw('file/set')).rejects.toThrow(InputError);
  });

  test.skipIf(process.getuid?.() === 0)('is rejected if it may not be written', async () => {
    await mkdir(join(root, 'locked'));
    await chmod(join(root, 'locked'), 0o500);
    await expect(draw('locked/set')).rejects.toThrow(/a place to write at/);
  });

  test('is removed after an interruption, with everything beside it', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = (done: number) => {
      seen.push(done);
      if (done === 4) controller.abort();
    };
    const interrupted = draw('set', { images: 40, onProgress, signal: controller.signal });
    await expect(interrupted).rejects.toThrow(InterruptedError);
    expect(seen.length).toBeLessThan(80);
    expect(await readdir(root)).toEqual([]);
  });

  test('is removed after a failure, with everything beside it', async () => {
    const onProgress = (done: number) => {
      if (done === 3) throw new Error('no more');
    };
    await expect(draw('set', { onProgress })).rejects.toThrow('no more');
    expect(await readdir(root)).toEqual([]);
  });
});

test('progress counts every image up to the total', async () => {
  const seen: [number, number][] = [];
  await draw('set', { onProgress: (done, total) => seen.push([done, total]) });
  expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => [i + 1, 10]));
});

test.each([
  [{ images: 0 }, '--images'],
  [{ images: 2.5 }, '--images'],
  [{ testImages: -1 }, '--test-images'],
  [{ size: 8 }, '--size'],
  [{ size: Number.NaN }, '--size'],
  [{ seed: -1 }, '--seed'],
  [{ family: 'noir' }, '--family'],
  [{ family: 'vivid,noir' }, '--family'],
  [{ family: '' }, '--family'],
])('options out of range are rejected: %o', async (options, flag) => {
  const rejected = draw('set', options);
  await expect(rejected).rejects.toThrow(InputError);
  await expect(draw('set', options)).rejects.toThrow(flag);
  expect(await readdir(root)).toEqual([]);
});

test('a sample dataset may have no test images', async () => {
  expect(Object.keys(await draw('set', { testImages: 0 }))).toHaveLength(7);
  expect(await readdir(join(root, 'set', 'testA'))).toEqual([]);
});
