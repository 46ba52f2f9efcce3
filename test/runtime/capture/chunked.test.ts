import { expect, it } from 'vitest';
import { readChunked, writeChunked } from '../../../src/runtime/capture/chunked.js';

const floats = (...values: number[]) => Float32Array.of(...values);
const VALUES = { a: floats(1, 2), b: floats(3), c: floats(4, 5, 6), d: floats(7) };

it('readChunked reads variables in order and in bounded chunks, each after the one before is used up', () => {
  const calls: string[] = [];
  const programs = {
    read: (names: readonly string[] = []) => {
      calls.push(names.join(''));
      return Object.fromEntries(names.map((name) => [name, VALUES[name as keyof typeof VALUES]]));
    },
  };
  const sizes = Object.entries(VALUES).map(([name, { length }]) => [name, length] as const);
  const seen: [string, unknown, string][] = [];
  for (const [name, values] of readChunked(programs, sizes, 3)) seen.push([name, values, calls.join()]);
  expect(seen).toEqual([
    ['a', VALUES.a, 'ab'],
    ['b', VALUES.b, 'ab'],
    ['c', VALUES.c, 'ab,c'],
    ['d', VALUES.d, 'ab,c,d'],
  ]);
  expect([...readChunked(programs, [])]).toEqual([]);
});

it('writeChunked writes small variables in one call, and makes no call without variables', () => {
  const written: unknown[] = [];
  const programs = { write: (values: unknown) => void written.push(values) };
  writeChunked(programs, Object.entries(VALUES));
  expect(written).toEqual([VALUES]);
  writeChunked(programs, []);
  expect(written.length).toBe(1);
});
