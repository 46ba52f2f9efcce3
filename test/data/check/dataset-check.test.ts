import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, InterruptedError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import { checkDataset, type DatasetCheck } from '../../../src/data/check/dataset-check.js';
import type { FindingKind } from '../../../src/data/check/findings.js';
import { drawCheckThumbnails, spreadEvenly } from '../../../src/data/check/thumbnails.js';
import { rejectionMessage } from '../../support/rejection.js';
import { blocks, put } from './check-images.js';

let dir: string;
let check: DatasetCheck;

/** File and words of each finding of a kind. */
const found = (kind: FindingKind) =>
  check.findings.filter((entry) => entry.kind === kind).map(({ file, detail }) => `${file}: ${detail}`);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gnr-check-'));
  const at = (name: string) => join(dir, name);
  for (let i = 0; i < 6; i++) {
    await put(at(`trainA/${i}.jpg`), blocks(i).jpeg({ quality: 95 }));
    await put(at(`trainB/${i}.png`), blocks(100 + i));
    await put(at(`testA/${i}.png`), blocks(200 + i));
  }
  await writeFile(at('trainA/empty.jpg'), '');
  await writeFile(at('trainA/text.png'), 'no image');
  await writeFile(at('trainA/notes.txt'), 'no image');
  const whole = await readFile(at('trainA/0.jpg'));
  await writeFile(at('trainB/cut.jpg'), whole.subarray(0, whole.length / 2));
  await copyFile(at('trainA/1.jpg'), at('testA/copied.jpg'));
  await put(at('testA/smaller.webp'), blocks(2).resize(40, 40).webp({ quality: 70 }));
  await put(at('testA/flopped.png'), blocks(3).flop());
  await mkdir(at('trainB/more'));
  await copyFile(at('trainB/0.png'), at('trainB/more/0.png'));
  await put(at('trainB/bright.png'), blocks(101).linear(1.1, 5).jpeg());
  await copyFile(at('trainA/4.jpg'), at('trainB/photo.jpg'));
  await put(at('trainB/wide.png'), blocks(301).resize(128, 64, { fit: 'fill' }));
  await put(at('trainB/grey.png'), blocks(302).greyscale());
  await put(at('trainB/clear.png'), blocks(303).ensureAlpha(0.5));
  await put(at('trainB/opaque.png'), blocks(304).ensureAlpha(1));
  await put(at('trainB/p3.jpg'), blocks(305).withIccProfile('p3').jpeg());
  await put(at('trainB/print.jpg'), blocks(306).toColourspace('cmyk').jpeg());
  for (const [i, colour] of ['#800000', '#008000'].entries())
    await put(at(`trainB/flat${i}.png`), blocks(0).composite([{ input: await flat(colour) }]));
  check = await checkDataset({ dir, size: 64 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function flat(background: string): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  return sharp({ create: { width: 64, height: 64, channels: 3, background } })
    .png()
    .toBuffer();
}

it('a dataset check notes files that lack only their end, and counts what is no image', async () => {
  const root = await mkdtemp(join(tmpdir(), 'gnr-check-flawed-'));
  try {
    const jpeg = await blocks(1).jpeg().toBuffer();
    await mkdir(join(root, 'trainA'));
    await writeFile(join(root, 'trainA/cut.jpg'), jpeg.subarray(0, jpeg.length - 2));
    await writeFile(join(root, 'trainA/whole'), await blocks(2).jpeg().toBuffer());
    for (const name of ['a.heic', 'b.HEIC', 'c.txt', 'Thumbs.db'])
      await writeFile(join(root, 'trainA', name), 'x');
    const { findings, folders } = await checkDataset({ dir: root, size: 32 });
    expect(findings.map(({ kind, level, file, detail }) => [kind, level, file, detail])).toEqual([
      ['flawed', 'note', 'trainA/cut.jpg', 'lacks its end marker'],
    ]);
    expect(folders.trainA).toMatchObject({ files: 2, readable: 2, otherFiles: { '.heic': 2, '.txt': 1 } });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

describe('checkDataset', () => {
  it('reports unreadable files with the reason', () => {
    expect(found('unreadable')).toEqual([
      'trainA/empty.jpg: an empty file',
      'trainA/text.png: a file that is not an image',
      expect.stringMatching(/^trainB\/cut\.jpg: a damaged/),
    ]);
  });

  it('finds test images in the training folder: copied, scaled or mirrored', () => {
    expect(found('leaked')).toEqual([
      'testA/copied.jpg: the same bytes as trainA/1.jpg',
      'testA/flopped.png: mirrored, like trainA/3.jpg',
      'testA/smaller.webp: like trainA/2.jpg',
    ]);
  });

  it('finds duplicates, in subfolders too, and images in both domains', () => {
    expect(found('duplicate')).toEqual(['trainB/more/0.png: the same bytes as trainB/0.png']);
    expect(found('near-duplicate')).toEqual(['trainB/bright.png: like trainB/1.png']);
    expect(found('across-domains')).toEqual(['trainB/photo.jpg: the same bytes as trainA/4.jpg']);
  });

  it('distinguishes exact copies from similar images', () => {
    const exact = check.findings.filter(({ likeness }) => likeness === 'same bytes');
    expect(exact.map(({ kind, other }) => `${kind} ${other}`)).toEqual([
      'leaked trainA/1.jpg',
      'across-domains trainA/4.jpg',
      'duplicate trainB/0.png',
    ]);
  });

  it('finds small, long, grey and transparent images, and colours that are not sRGB', () => {
    expect(found('tiny')).toEqual(['testA/smaller.webp: 40x40 px']);
    expect(found('non-square')).toEqual(['trainB/wide.png: 128x64 px']);
    expect(found('grayscale')).toEqual(['trainB/grey.png: has no colour']);
    expect(found('transparent')).toEqual(['trainB/clear.png: has pixels that are not opaque']);
    expect(found('colour-profile')).toEqual([
      expect.stringContaining('trainB/p3.jpg'),
      'trainB/print.jpg: CMYK',
    ]);
  });

  it('counts the findings by kind, the worst first', () => {
    expect(check.counts).toEqual({
      unreadable: 3,
      leaked: 3,
      'across-domains': 1,
      duplicate: 1,
      'near-duplicate': 1,
      tiny: 1,
      transparent: 1,
      'non-square': 1,
      grayscale: 1,
      'colour-profile': 2,
    });
    expect([check.problems, check.notes]).toEqual([10, 5]);
    expect(check.findings[0]!.kind).toBe('unreadable');
    expect(Object.keys(check.folders)).toEqual(['trainA', 'trainB', 'testA']);
    expect(check.folders.trainA).toMatchObject({ files: 8, readable: 6, otherFiles: { '.txt': 1 } });
    expect(check.folders.testA?.width).toEqual({ min: 40, median: 64, max: 64 });
  });

  it('returns the same result every time', async () => {
    expect(await checkDataset({ dir, size: 64 })).toEqual(check);
  });

  it('applies the limits from the options', async () => {
    const { counts } = await checkDataset({ dir, size: 65, aspect: 2, distanceBits: 0 });
    expect(counts.tiny).toBeGreaterThan(20);
    expect(counts['non-square']).toBeUndefined();
    expect(counts.duplicate).toBe(1);
  });

  it('reports its progress, and stops when the signal aborts', async () => {
    const seen: number[] = [];
    const controller = new AbortController();
    const onProgress = (done: number, total: number) => {
      seen.push(done, total);
      if (done === 2) controller.abort();
    };
    const stopped = checkDataset({ dir, onProgress, signal: controller.signal });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(seen.slice(0, 4)).toEqual([1, 35, 2, 35]);
  });

  it('rejects a folder that is not a dataset, and limits out of range', async () => {
    expect(await rejectionMessage(checkDataset({ dir: join(dir, 'gone') }))).toContain('found nothing');
    expect(await rejectionMessage(checkDataset({ dir: join(dir, 'trainA') }))).toContain(
      'one of the folders trainA, trainB, testA, testB',
    );
    for (const limits of [{ size: 0 }, { aspect: 0.5 }, { distanceBits: 17 }, { distanceBits: 1.5 }])
      await expect(checkDataset({ dir, ...limits })).rejects.toThrow(InputError);
  });
});

describe('drawCheckThumbnails', () => {
  it('draws thumbnails of readable images and of the images of findings', async () => {
    const images = await drawCheckThumbnails(check, { seed: 0 });
    expect(images.sheets.trainA?.map(({ file }) => file)).toEqual(
      [0, 1, 2, 3, 4, 5].map((i) => `trainA/${i}.jpg`),
    );
    expect(images.sheets.testB).toBeUndefined();
    const leaked = check.findings.find(({ file }) => file === 'testA/copied.jpg')!;
    expect(images.findings.get(leaked)?.map(({ file }) => file)).toEqual([
      'testA/copied.jpg',
      'trainA/1.jpg',
    ]);
    const unreadable = check.findings.find(({ kind }) => kind === 'unreadable')!;
    expect(images.findings.get(unreadable)).toBeUndefined();
  });
});

describe('spreadEvenly', () => {
  it('chooses one item of each part, determined by the seed', () => {
    const items = Array.from({ length: 1000 }, (_, i) => i);
    const chosen = spreadEvenly(items, 10, new Rng(1));
    expect(chosen.map((item) => Math.floor(item / 100))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(spreadEvenly(items, 10, new Rng(1))).toEqual(chosen);
    expect(spreadEvenly(items, 10, new Rng(2))).not.toEqual(chosen);
    expect(spreadEvenly([1, 2], 10, new Rng(1))).toEqual([1, 2]);
  });
});
