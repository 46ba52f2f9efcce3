import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listImages, openDataset } from '../../src/data/folder.js';
import { rejectionMessage } from '../support/rejection.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function touch(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), '');
  }
}

const inFolder = (names: string[]) => names.map((name) => join(folder, name));

describe('listImages', () => {
  it('lists the images of a folder and its subfolders, in byte order', async () => {
    // U+FF5E sorts before U+1F600 by bytes, after it by UTF-16 units; a-b before a/ by bytes, not by parts.
    await touch(
      'b.png',
      'B.PNG',
      'a10.jpg',
      'a2.jpeg',
      'ä.webp',
      '～.png',
      '😀.png',
      'a/z.avif',
      'a-b.gif',
      'a/b/c.TIF',
    );
    await touch(
      'd.tiff',
      'notes.txt',
      'no-extension',
      'png',
      '.hidden.png',
      '.cache/x.png',
      'a/._b.jpg',
      'e.png.bak',
    );
    expect(await listImages(folder)).toEqual(
      inFolder([
        'B.PNG',
        'a-b.gif',
        'a/b/c.TIF',
        'a/z.avif',
        'a10.jpg',
        'a2.jpeg',
        'b.png',
        'd.tiff',
        'ä.webp',
        '～.png',
        '😀.png',
      ]),
    );
  });

  it('follows links but not cycles, and lists a broken link, which decoding then reports', async () => {
    await touch('sub/a.png', 'other/b.png');
    await symlink('../other', join(folder, 'sub', 'linked'), 'dir');
    await symlink('..', join(folder, 'sub', 'circle'), 'dir');
    await symlink('a.png', join(folder, 'sub', 'c.png'));
    await symlink('nowhere', join(folder, 'sub', 'd.png'));
    const found = await listImages(join(folder, 'sub'));
    expect(found.slice(0, 4)).toEqual(
      inFolder(['sub/a.png', 'sub/c.png', 'sub/circle/other/b.png', 'sub/d.png']),
    );
    expect(found[4]).toBe(join(folder, 'sub/linked/b.png'));
    expect(found).toHaveLength(5);
  });

  it('returns an empty list for an empty folder, and rejects a path that is not a folder', async () => {
    expect(await listImages(folder)).toEqual([]);
    expect(await rejectionMessage(listImages(join(folder, 'gone')))).toMatch(
      /gone but found nothing; check the path/,
    );
    await touch('file');
    expect(await rejectionMessage(listImages(join(folder, 'file')))).toMatch(/file but found a file/);
  });
});

describe('openDataset', () => {
  const all = ['trainA/1.png', 'trainB/2.png', 'testA/3.png', 'testB/4.png', 'testB/sub/5.jpg'];

  it('lists the images of the four folders', async () => {
    await touch(...all);
    expect(await openDataset(folder)).toEqual({
      root: folder,
      trainA: inFolder(['trainA/1.png']),
      trainB: inFolder(['trainB/2.png']),
      testA: inFolder(['testA/3.png']),
      testB: inFolder(['testB/4.png', 'testB/sub/5.jpg']),
    });
  });

  it('accepts missing or empty test folders if they are not required', async () => {
    await touch(...all.slice(0, 2));
    await mkdir(join(folder, 'testB'));
    expect(await openDataset(folder, { requireTest: false })).toMatchObject({ testA: [], testB: [] });
    expect(await rejectionMessage(openDataset(folder))).toBe(
      `Expected a folder testA in ${folder} but found only testB, trainA, trainB; make ${folder}/testA and put .jpg, .png or .webp files there.`,
    );
    await touch('testA/1.png');
    expect(await rejectionMessage(openDataset(folder))).toBe(
      `Expected an image in ${folder}/testB but found none; put .jpg, .png or .webp files there.`,
    );
  });

  it('reports a missing or empty folder with its name and a remedy', async () => {
    const options = { requireTest: false };
    expect(await rejectionMessage(openDataset(join(folder, 'gone'), options))).toMatch(
      /^Expected a dataset folder at .*gone but found nothing; make it with the folders trainA, .*"gnr dataset sample/,
    );
    expect(await rejectionMessage(openDataset(folder, options))).toMatch(
      /folder trainA in .* but found an empty folder; make/,
    );
    await touch('trainA/a.bmp', 'trainA/b.bmp', 'trainA/readme', 'trainB/1.png');
    expect(await rejectionMessage(openDataset(folder, options))).toMatch(
      /an image in .*trainA but found none \(other files: 2 \.bmp, 1 without extension\); put/,
    );
    await touch('file');
    expect(await rejectionMessage(openDataset(join(folder, 'file'), options))).toMatch(/found a file; make/);
  });
});
