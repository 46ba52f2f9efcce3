import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOfName, fsPath, nameOfBytes } from '../../src/base/file-names.js';
import { decodeImage } from '../../src/data/decode.js';
import { type FileCounts, listImages, openDataset } from '../../src/data/folder.js';
import { readImageBytes } from '../../src/data/image-file.js';
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

describe('listImages by content', () => {
  const FILES = join(import.meta.dirname, '../fixtures/image-formats/files');
  const bring = (from: string, to: string) => copyFile(join(FILES, from), join(folder, to));

  it('takes images of any name, and counts what is no image by extension', async () => {
    await bring('rgb.jpg', 'a.jpg');
    await bring('rgb.jpg', 'b.jfif');
    await bring('rgb.jpg', 'c.jpe');
    await bring('rgb24.bmp', 'd.bmp');
    await bring('rgb8.png', 'no extension');
    await bring('rgb8.png', 'f.dat');
    await bring('heic.heic', 'g.heic');
    await bring('photo.jxl', 'h.JXL');
    await bring('photo.jxl', 'i.jxl');
    await bring('rgb8-raw.tif', 'raw file.nef');
    await touch('j.txt', 'readme');
    let others: FileCounts = {};
    const found = await listImages(folder, (counts) => {
      others = counts;
    });
    expect(found).toEqual(inFolder(['a.jpg', 'b.jfif', 'c.jpe', 'd.bmp', 'f.dat', 'no extension']));
    expect(others).toEqual({ '': 1, '.heic': 1, '.jxl': 2, '.nef': 1, '.txt': 1 });
    for (const path of found) await decodeImage(path, { size: 8 });
  });

  it('says nothing of hidden files and of what file managers leave behind', async () => {
    await touch('.DS_Store', '._a.jpg', 'Thumbs.db', 'desktop.ini', '__MACOSX/a.jpg', 'a.jpg');
    const noted: FileCounts[] = [];
    expect(await listImages(folder, (counts) => noted.push(counts))).toEqual(inFolder(['a.jpg']));
    expect(noted).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')(
    'lists and reads names that are no UTF-8, in the order of their bytes',
    async () => {
      const image = await readFile(join(FILES, 'rgb8.png'));
      // "Photo" in Shift-JIS, "café" in Latin-1, a name of valid UTF-8 between the two, and a folder.
      const names = ['8e CA 90 5e', '63 61 66 e9', 'c3 a9'].map((hex) =>
        Buffer.from(hex.replaceAll(' ', ''), 'hex'),
      );
      const below = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), name]);
      for (const name of names) await writeFile(below(Buffer.concat([name, Buffer.from('.png')])), image);
      await mkdir(below(Buffer.of(0xff)));
      await writeFile(below(Buffer.concat([Buffer.of(0xff), Buffer.from('/x.png')])), image);
      const found = await listImages(folder);
      expect(
        found.map((path) =>
          bytesOfName(path)
            .toString('hex')
            .slice(2 * folder.length + 2),
        ),
      ).toEqual(['636166e92e706e67', '8eca905e2e706e67', 'c3a92e706e67', 'ff2f782e706e67']);
      for (const path of found) {
        expect((await decodeImage(path, { size: 4 })).width).toBe(4);
        expect(nameOfBytes(Buffer.from(fsPath(path)))).toBe(path);
      }
    },
  );

  it('refuses links that lead to one folder in more and more ways', async () => {
    for (let i = 0; i < 12; i++) {
      await mkdir(join(folder, `d${i}`));
      for (const name of ['a', 'b']) await symlink(`../d${i + 1}`, join(folder, `d${i}`, name));
    }
    await touch('d12/x.png');
    expect(await rejectionMessage(listImages(join(folder, 'd0')))).toMatch(
      /links that lead to the folder .* in at most 64 ways/,
    );
  });

  it.skipIf(process.platform === 'win32')(
    'leaves out links to pipes, and refuses to read devices',
    async () => {
      await touch('a.png');
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      await symlink('pipe', join(folder, 'b.png'));
      expect(await listImages(folder)).toEqual(inFolder(['a.png']));
      await symlink('/dev/zero', join(folder, 'c.png'));
      expect(await rejectionMessage(readImageBytes(join(folder, 'c.png')))).toContain('a device');
    },
  );
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
    await touch('trainA/a.heic', 'trainA/b.heic', 'trainA/readme', 'trainB/1.png');
    expect(await rejectionMessage(openDataset(folder, options))).toMatch(
      /an image in .*trainA but found none \(other files: 2 \.heic, 1 without extension\); put/,
    );
    await touch('file');
    expect(await rejectionMessage(openDataset(join(folder, 'file'), options))).toMatch(/found a file; make/);
  });
});
