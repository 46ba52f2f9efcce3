import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  cacheDirectory,
  checkCacheDirectory,
  makeCacheDirectory,
  whoElseWrites,
} from '../../src/base/cache-directory.js';
import { InputError } from '../../src/base/errors.js';
import { onNotice } from '../../src/base/notices.js';
import { withFailingCalls } from '../support/faults.js';

test('cacheDirectory prefers GNR_CACHE_DIR to XDG_CACHE_HOME, and that to the home folder', () => {
  expect(cacheDirectory({ GNR_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).toBe('/b/gans-n-roses');
  expect(cacheDirectory({})).toBe(path.join(os.homedir(), '.cache', 'gans-n-roses'));
});

afterEach(() => void vi.restoreAllMocks());

test.each([
  [
    'fails, as for a user without an entry in /etc/passwd',
    () => {
      throw new Error('ENOENT: uv_os_homedir');
    },
  ],
  ['is empty', () => ''],
  ['is relative', () => 'home'],
])('cacheDirectory names GNR_CACHE_DIR if the home folder %s', (_, homedir) => {
  vi.spyOn(os, 'homedir').mockImplementation(homedir);
  expect(() => cacheDirectory({})).toThrow(InputError);
  expect(() => cacheDirectory({})).toThrow(/set GNR_CACHE_DIR/);
  expect(cacheDirectory({ GNR_CACHE_DIR: '/a' })).toBe('/a');
});

test('cacheDirectory ignores a relative XDG_CACHE_HOME, as its specification says', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: 'b' })).toBe(cacheDirectory({}));
});

describe('the cache folder', () => {
  let folder: string;
  let cache: string;
  const env = () => ({ GNR_CACHE_DIR: cache });
  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'gnr-cache-folder-'));
    cache = path.join(folder, 'above', 'cache');
  });
  afterEach(async () => {
    onNotice(() => undefined);
    await fs.rm(folder, { recursive: true, force: true });
  });

  test('is made for this user alone, and one that exists keeps its permissions', async () => {
    expect(await makeCacheDirectory(env())).toBe(cache);
    expect((await fs.stat(cache)).mode & 0o777).toBe(0o700);
    await fs.chmod(cache, 0o755);
    await makeCacheDirectory(env());
    expect((await fs.stat(cache)).mode & 0o777).toBe(0o755);
  });

  test('is refused if everybody can write to it', async () => {
    await fs.mkdir(cache, { recursive: true });
    await fs.chmod(cache, 0o777);
    for (const use of [makeCacheDirectory, checkCacheDirectory]) {
      await expect(use(env())).rejects.toThrow(InputError);
      await expect(use(env())).rejects.toThrow(/found everybody can write to it; set GNR_CACHE_DIR/);
    }
  });

  test('is refused if it belongs to another user than this one or the administrator', async () => {
    const user = process.getuid!();
    expect(whoElseWrites({ uid: user, mode: 0o40700 })).toBeUndefined();
    expect(whoElseWrites({ uid: 0, mode: 0o40755 })).toBeUndefined();
    expect(whoElseWrites({ uid: user + 1, mode: 0o40700 })).toBe(
      `it belongs to the user with number ${user + 1}`,
    );
    await makeCacheDirectory(env());
    vi.spyOn(process, 'getuid').mockReturnValue(user + 1);
    // Root's files are accepted from every user.
    if (user === 0) await checkCacheDirectory(env());
    else await expect(checkCacheDirectory(env())).rejects.toThrow('belongs to the user');
  });

  test.skipIf(process.getuid?.() !== 0)('of another user is refused by root', async () => {
    await makeCacheDirectory(env());
    await fs.chown(cache, 12345, 12345);
    await expect(checkCacheDirectory(env())).rejects.toThrow('it belongs to the user with number 12345');
  });

  test('is used with a warning, given once, if a group can write to it', async () => {
    const notices: string[] = [];
    onNotice((text) => notices.push(text));
    await makeCacheDirectory(env());
    await fs.chmod(cache, 0o770);
    const stat = fs.stat.bind(fs);
    vi.spyOn(fs, 'stat').mockImplementation((async (file: string) => {
      const stats = await stat(file);
      return Object.assign(stats, { gid: stats.uid + 1 });
    }) as unknown as typeof fs.stat);
    await checkCacheDirectory(env());
    await checkCacheDirectory(env());
    expect(notices).toEqual([
      expect.stringContaining(`a group can change the programs in the cache folder ${cache}`),
    ]);
  });

  test.each([
    ['EROFS', 'the file system is read-only (EROFS)'],
    ['EACCES', 'permission is denied (EACCES)'],
  ])('that cannot be made (%s) is one sentence with the cause and the remedy', async (code, cause) => {
    await withFailingCalls(code, 'mkdir', /cache/, async () => {
      await expect(makeCacheDirectory(env())).rejects.toThrow(
        `Expected a writable cache folder at ${cache} but found that ${cause}; set GNR_CACHE_DIR to another folder.`,
      );
    });
  });

  test('accepts that there is none yet', async () => {
    await checkCacheDirectory(env());
  });
});
