import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cacheDirectory } from '../../src/base/cache-directory.js';

test('cacheDirectory prefers GNR_CACHE_DIR to XDG_CACHE_HOME, and that to the home folder', () => {
  expect(cacheDirectory({ GNR_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).toBe('/b/gans-n-roses');
  expect(cacheDirectory({})).toBe(path.join(os.homedir(), '.cache', 'gans-n-roses'));
});

test('cacheDirectory ignores a relative XDG_CACHE_HOME, as its specification says', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: 'b' })).toBe(cacheDirectory({}));
});
