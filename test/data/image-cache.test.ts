import { expect, it } from 'vitest';
import { ImageCache } from '../../src/data/image-cache.js';

const image = (bytes: number) => new Uint8Array(bytes);

it('the image cache stays within its limit, and drops the least recently used image', () => {
  const cache = new ImageCache(100);
  for (const index of [1, 2, 3]) cache.set(index, image(30));
  expect(cache.get(1)).toBeDefined();
  cache.set(4, image(30));
  expect([1, 2, 3, 4].map((index) => cache.get(index)?.length)).toEqual([30, undefined, 30, 30]);
  expect(cache.bytes).toBe(90);
  cache.set(5, image(100));
  expect([1, 3, 4, 5].map((index) => cache.get(index)?.length)).toEqual([
    undefined,
    undefined,
    undefined,
    100,
  ]);
  cache.set(6, image(101));
  expect([cache.get(6), cache.get(5)?.length, cache.bytes]).toEqual([undefined, 100, 100]);
});

it('the image cache counts a replaced image once, and is empty after clearing', () => {
  const cache = new ImageCache(100);
  cache.set(1, image(60));
  cache.set(1, image(50));
  expect(cache.bytes).toBe(50);
  cache.clear();
  expect([cache.bytes, cache.get(1)]).toEqual([0, undefined]);
});
