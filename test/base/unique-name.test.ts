import { expect, it } from 'vitest';
import { UniqueNames } from '../../src/base/unique-name.js';

it('UniqueNames numbers names that are taken, and passes over numbers that are names already', () => {
  const names = new UniqueNames();
  expect(['img', 'img', 'img-3', 'img', 'img', 'other', 'img-2'].map((name) => names.take(name))).toEqual([
    'img',
    'img-2',
    'img-3',
    'img-4',
    'img-5',
    'other',
    'img-2-2',
  ]);
});

it('UniqueNames compares names by their keys', () => {
  const names = new UniqueNames((name) => name.toLowerCase());
  expect(['A', 'a', 'A', 'a-2'].map((name) => names.take(name))).toEqual(['A', 'a-2', 'A-3', 'a-2-2']);
});

it('UniqueNames looks at each name of many equal ones a few times, not at all those before it', () => {
  const count = 5000;
  let keys = 0;
  const names = new UniqueNames((name) => {
    keys++;
    return name;
  });
  const taken = Array.from({ length: count }, () => names.take('img'));
  expect(new Set(taken).size).toBe(count);
  expect(taken.at(-1)).toBe(`img-${count}`);
  expect(keys).toBeLessThan(5 * count);
});
