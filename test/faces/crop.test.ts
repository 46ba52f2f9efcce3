import { expect, it } from 'vitest';
import type { DecodedImage } from '../../src/data/decoded-image.js';
import { cropSquare } from '../../src/faces/crop.js';

const flat = (width: number, height: number, value: number): DecodedImage => ({
  data: new Uint8Array(width * height * 3).fill(value),
  width,
  height,
});

it('a square crop between whole pixels has the right place', () => {
  // A ramp from left to right and one from top to bottom.
  const image = flat(60, 40, 0);
  for (let i = 0; i < image.data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % 60, Math.floor(i / 180)];
    image.data[i] = i % 3 === 1 ? 6 * y : 4 * x;
  }
  const [left, top, side] = [12.4, 7.3, 24.5];
  const crop = cropSquare(image, { left, top, side }, 10);
  for (const [x, y] of [
    [0, 0],
    [9, 3],
    [4, 9],
  ] as const) {
    const place = (start: number, at: number): number => start + ((at + 0.5) * side) / 10 - 0.5;
    const at = (y * 10 + x) * 3;
    expect(Math.abs(crop[at]! - 4 * place(left, x))).toBeLessThan(1);
    expect(Math.abs(crop[at + 1]! - 6 * place(top, y))).toBeLessThan(1);
  }
});
