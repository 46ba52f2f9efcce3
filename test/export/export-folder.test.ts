import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ExportFolderContents,
  rejectForeignFolder,
  writeExportFolder,
} from '../../src/export/export-folder.js';
import type { Comparison } from '../../src/export/export-options.js';
import { beforeFileCall } from '../support/faults.js';
import { leaveTemporary, temporaryPath } from '../support/leftovers.js';

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
    await leaveTemporary(out, { half: '' });
    const other = await leaveTemporary(join(folder, 'other'), { half: '' });
    await mkdir(join(folder, '.old-out-20240131'));
    await writeExportFolder(out, contents());
    expect((await readdir(folder)).sort()).toEqual([other, '.old-out-20240131', 'out'].sort());
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

  describe('with a file that somebody has edited', () => {
    test.each(['README.md', 'below/weights'])('(%s) is not replaced', async (name) => {
      await writeExportFolder(out, contents());
      const mine = 'x'.repeat((await readFile(join(out, name))).length);
      await writeFile(join(out, name), mine);
      await expect(writeExportFolder(out, contents())).rejects.toThrow(
        `one whose ${name} has changed since it was exported; name another folder with --out, or move that file elsewhere`,
      );
      expect(await readFile(join(out, name), 'utf8')).toBe(mine);
      expect(await readdir(folder)).toEqual(['out']);
    });

    test('is found before a large file is read, and that file before it is removed', async () => {
      await writeExportFolder(out, contents());
      await writeFile(join(out, 'below', 'weights'), 'changed');
      await rejectForeignFolder(out, 6);
      await expect(rejectForeignFolder(out, 7)).rejects.toThrow('below/weights has changed');
    });
  });

  describe('into which somebody puts a file while its successor is written', () => {
    const notes = () => writeFileSync(join(out, 'notes.txt'), 'mine');

    test('stays with that file, whether it comes early or late', async () => {
      await writeExportFolder(out, contents());
      const write = async (dir: string) => {
        notes();
        await writeFile(join(dir, 'other'), '');
      };
      await expect(writeExportFolder(out, contents({ write }))).rejects.toThrow('one with notes.txt in it');
      expect((await readdir(out)).sort()).toEqual(['README.md', 'below', 'export.json', 'notes.txt']);
      await rm(join(out, 'notes.txt'));
      // The last moment: the folder is about to be set aside.
      const undo = await beforeFileCall('rename', /gnr-old-out/, notes);
      try {
        await expect(writeExportFolder(out, contents())).rejects.toThrow(
          'one whose notes.txt came or changed while the export was written; the folder is as it was',
        );
      } finally {
        undo();
      }
      expect((await readdir(out)).sort()).toEqual(['README.md', 'below', 'export.json', 'notes.txt']);
      expect(await readdir(folder)).toEqual(['out']);
    });

    test('stays with an edit of its card', async () => {
      await writeExportFolder(out, contents());
      const undo = await beforeFileCall('rename', /gnr-old-out/, () =>
        writeFileSync(join(out, 'README.md'), '# Mine\n'),
      );
      try {
        await expect(writeExportFolder(out, contents())).rejects.toThrow('README.md came or changed');
      } finally {
        undo();
      }
      expect(await readFile(join(out, 'README.md'), 'utf8')).toBe('# Mine\n');
      expect(await readdir(folder)).toEqual(['out']);
    });

    test('stays if it was new and empty before', async () => {
      const card = () => {
        mkdirSync(out);
        notes();
        return '# Card\n';
      };
      await expect(writeExportFolder(out, contents({ card }))).rejects.toThrow('one with notes.txt in it');
      expect(await readdir(out)).toEqual(['notes.txt']);
    });
  });

  test('that a killed export has set aside is not removed with files of its user in it', async () => {
    await writeExportFolder(out, contents());
    const left = await temporaryPath(out, { kind: 'old' });
    await cp(out, left, { recursive: true });
    await writeExportFolder(out, contents());
    expect(await readdir(folder)).toEqual(['out']);
    await cp(out, left, { recursive: true });
    await writeFile(join(left, 'notes.txt'), 'mine');
    await expect(writeExportFolder(out, contents())).rejects.toThrow(
      /found one with notes.txt in it; move what/,
    );
    expect(await readFile(join(left, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('is written where a link leads, and the link stays', async () => {
    await mkdir(join(folder, 'disk'));
    await symlink('disk/target', out);
    for (let i = 0; i < 2; i++) {
      await writeExportFolder(out, contents());
      expect((await readdir(join(folder, 'disk', 'target'))).sort()).toEqual([
        'README.md',
        'below',
        'export.json',
      ]);
      expect(await readlink(out)).toBe('disk/target');
    }
    expect(await readdir(join(folder, 'disk'))).toEqual(['target']);
  });

  test('may have files that are too large to be read at once', async () => {
    const undo = await beforeFileCall('readFile', /weights/, () => {
      throw Object.assign(new Error('File size is greater than 2 GiB'), { code: 'ERR_FS_FILE_TOO_LARGE' });
    });
    try {
      await writeExportFolder(out, contents());
      await writeExportFolder(out, contents());
    } finally {
      undo();
    }
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
