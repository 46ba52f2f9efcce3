import { expect, it } from 'vitest';
import { composeMosaic } from '../../src/video/canvas.js';

it('composeMosaic puts the originals in the middle and the styles around them', () => {
  const size = 2;
  const frame = (value: number): number[] => Array<number>(size * size * 3).fill(value);
  const originals = Uint8Array.from([...frame(100), ...frame(200)]);
  const styled = Array.from({ length: 8 }, (_, i) => Uint8Array.from([...frame(i + 1), ...frame(i + 11)]));
  const canvas = composeMosaic(originals, styled, size);
  expect(canvas.length).toBe(2 * 9 * size * size * 3);
  const at = (n: number, y: number, x: number): number => canvas[((n * 6 + y) * 6 + x) * 3]!;
  const cells = (n: number): number[] => [0, 2, 4].flatMap((y) => [0, 2, 4].map((x) => at(n, y + 1, x + 1)));
  expect(cells(0)).toEqual([1, 2, 3, 4, 100, 5, 6, 7, 8]);
  expect(cells(1)).toEqual([11, 12, 13, 14, 200, 15, 16, 17, 18]);
});
