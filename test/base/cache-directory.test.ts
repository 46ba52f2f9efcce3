import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cacheDirectory } from '../../src/base/cache-directory.js';

test('GNR_CACHE_DIR goes before XDG_CACHE_HOME, and that before the home folder', () => {
  expect(cacheDirectory({ GNR_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).toBe('/b/gans-n-roses');
  expect(cacheDirectory({})).toBe(path.join(os.homedir(), '.cache', 'gans-n-roses'));
});

test('a relative XDG_CACHE_HOME does not count, as its specification says', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: 'b' })).toBe(cacheDirectory({}));
});
