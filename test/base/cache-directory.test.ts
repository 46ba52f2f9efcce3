import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { cacheDirectory } from '../../src/base/cache-directory.js';
import { InputError } from '../../src/base/errors.js';

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
