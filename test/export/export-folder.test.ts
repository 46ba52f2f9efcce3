import { statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ExportFolderContents, writeExportFolder } from '../../src/export/export-folder.js';
import type { Comparison } from '../../src/export/export-options.js';

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-export-folder-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const near: Comparison = { what: 'pictures', difference: 1e-5, bound: 1e-4 };
const contents = (changes: Partial<ExportFolderContents> = {}): ExportFolderContents => ({
  kind: 'test',
  write: async (dir) => {
    await mkdir(join(dir, 'below'));
    await writeFile(join(dir, 'below', 'weights'), 'weights');
  },
  compare: async () => [near],
  card: () => '# Card\n',
  ...changes,
});

describe('an export folder', () => {
  test('has its files, a card, and the results of the comparison', async () => {
    expect(await writeExportFolder(out, contents())).toEqual([near]);
    expect((await readdir(out)).sort()).toEqual(['README.md', 'below', 'export.json']);
    expect(JSON.parse(await readFile(join(out, 'export.json'), 'utf8'))).toEqual({
      format: 'gnr-export',
      version: 1,
      kind: 'test',
      comparisons: [near],
      files: {
        'README.md': {
          bytes: 7,
          sha256: '87851527cd6c59eacbdd2c6798ddeb44925b095e24f5d67530cd3d57bfb716de',
        },
        'below/weights': {
          bytes: 7,
          sha256: '9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c',
        },
      },
    });
  });

  test('cannot be the working directory, nor one around it', async () => {
    const attempt = (dir: string) => writeExportFolder(dir, contents());
    await expect(attempt(process.cwd())).rejects.toThrow('found the working directory');
    await expect(attempt(dirname(process.cwd()))).rejects.toThrow('a folder around the working directory');
    const link = join(folder, 'link');
    await symlink(process.cwd(), link);
    await expect(attempt(link)).rejects.toThrow('found the working directory');
  });

  const isMountPoint = statSync('/dev/shm', { throwIfNoEntry: false })?.dev !== statSync('/dev').dev;
  test.skipIf(!isMountPoint)('cannot be a mount point', async () => {
    await expect(writeExportFolder('/dev/shm', contents())).rejects.toThrow('found a mount point');
  });

  test('clears the leftovers of a killed export of the same name', async () => {
    const dead = 2 ** 22 + 7; // Above the largest process number of Linux.
    await mkdir(join(folder, `.tmp-out-${dead}`));
    await mkdir(join(folder, `.tmp-other-${dead}`));
    await writeExportFolder(out, contents());
    expect((await readdir(folder)).sort()).toEqual([`.tmp-other-${dead}`, 'out']);
  });

  test('replaces an earlier export and all its files', async () => {
    await writeExportFolder(out, contents());
    const write = (dir: string) => writeFile(join(dir, 'other'), '');
    await writeExportFolder(out, contents({ write }));
    expect((await readdir(out)).sort()).toEqual(['README.md', 'export.json', 'other']);
    await rm(out, { recursive: true });
    await mkdir(out);
    await writeExportFolder(out, contents());
    expect(await readdir(folder)).toEqual(['out']);
  });

  test.each(['notes.txt', 'below/notes.txt'])('does not replace a folder with %s', async (name) => {
    await writeExportFolder(out, contents());
    await writeFile(join(out, name), 'mine');
    await expect(writeExportFolder(out, contents())).rejects.toThrow(`one with ${name} in it`);
    expect(await readFile(join(out, name), 'utf8')).toBe('mine');
  });

  test('does not replace another folder, a link in it, or a file', async () => {
    await mkdir(out);
    await symlink('nowhere', join(out, 'link'));
    await expect(writeExportFolder(out, contents())).rejects.toThrow('one with link in it');
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(writeExportFolder(file, contents())).rejects.toThrow('but found a file');
    await writeFile(join(out, 'export.json'), JSON.stringify({ format: 'another', files: { link: {} } }));
    await expect(writeExportFolder(out, contents())).rejects.toThrow('in it');
  });

  test.each([1.1e-4, Number.POSITIVE_INFINITY, Number.NaN])(
    'is not written if the comparison differs by %d, and an earlier one stays',
    async (difference) => {
      const compare = async () => [near, { ...near, what: 'other pictures', difference }];
      await expect(writeExportFolder(out, contents({ compare }))).rejects.toThrow(
        /out was not written: .*other pictures (differ by .*, more than 0\.0001|hold numbers that are not finite)/,
      );
      expect(await readdir(folder)).toEqual([]);
      await writeExportFolder(out, contents());
      await expect(writeExportFolder(out, contents({ compare }))).rejects.toThrow('not written');
      expect((await readdir(out)).sort()).toEqual(['README.md', 'below', 'export.json']);
      expect(await readdir(folder)).toEqual(['out']);
    },
  );

  test('leaves no files if it is stopped', async () => {
    const controller = new AbortController();
    const compare = async () => {
      controller.abort();
      return [near];
    };
    const { signal } = controller;
    await expect(writeExportFolder(out, contents({ compare, signal }))).rejects.toThrow('was stopped');
    expect(await readdir(folder)).toEqual([]);
  });
});
