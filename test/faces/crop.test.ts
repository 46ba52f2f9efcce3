import { describe, expect, it } from 'vitest';
import type { Square } from '../../src/base/geometry.js';
import type { DecodedImage } from '../../src/data/decode.js';
import { cropSquare, pasteSquare } from '../../src/faces/crop.js';

const flat = (width: number, height: number, value: number): DecodedImage => ({
  data: new Uint8Array(width * height * 3).fill(value),
  width,
  height,
});

/** What is left in a black 60 x 40 image after a white one is pasted: the red channel of each pixel. */
function pasted(square: Square): (x: number, y: number) => number {
  const target = flat(60, 40, 0);
  pasteSquare(target, flat(8, 8, 255), square);
  return (x, y) => target.data[(y * 60 + x) * 3]!;
}

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

describe('a pasted square', () => {
  it('a pasted square is opaque in its centre, fades towards its edges, and changes nothing outside', () => {
    const at = pasted({ left: 10, top: 10, side: 20 });
    expect(at(20, 20)).toBe(255);
    const across = Array.from({ length: 10 }, (_, i) => at(10 + i, 20));
    expect(across.toSorted((a, b) => a - b)).toEqual(across);
    expect(across[0]).toBeLessThan(20);
    expect(across[1]).toBeGreaterThan(0);
    expect(across[4]).toBe(255);
    for (const [x, y] of [
      [9, 20],
      [30, 20],
      [20, 9],
      [20, 30],
      [10, 10],
      [29, 29],
    ] as const)
      expect(at(x, y)).toBe(0);
  });

  it('a pasted square does not fade along the edges of the image', () => {
    const at = pasted({ left: 0, top: 0, side: 20 });
    for (const place of [at(0, 0), at(0, 10), at(10, 0)]) expect(place).toBe(255);
    expect(at(19, 10)).toBeLessThan(20);
    const other = pasted({ left: 40, top: 20, side: 20 });
    expect(other(59, 39)).toBe(255);
    expect(other(40, 30)).toBeLessThan(20);
  });

  it('a pasted square fades with its strength, down to nothing', () => {
    const strengths = [1, 0.5, 0].map((strength) => {
      const target = flat(60, 40, 0);
      pasteSquare(target, flat(8, 8, 255), { left: 10, top: 10, side: 20 }, strength);
      return target.data[(20 * 60 + 20) * 3];
    });
    expect(strengths).toEqual([255, 128, 0]);
  });

  it('a pasted square shows its image in the right place, between whole pixels too', () => {
    // A ramp from left to right: its value tells where in the square a pixel is.
    const size = 16;
    const ramp = flat(size, size, 0);
    for (let i = 0; i < ramp.data.length; i++) ramp.data[i] = (Math.floor(i / 3) % size) * 16;
    const target = flat(60, 40, 0);
    const square = { left: 12.4, top: 7.3, side: 24.5 };
    pasteSquare(target, ramp, square);
    for (const x of [20, 24, 28]) {
      const place = ((x + 0.5 - square.left) / square.side) * size - 0.5;
      expect(target.data[(20 * 60 + x) * 3]! / 16).toBeCloseTo(place, 0.9);
    }
  });

  it('a pasted square does not depend on the number of rows in a band', () => {
    const target = flat(200, 200, 0);
    const smooth = flat(8, 8, 0);
    for (let i = 0; i < smooth.data.length; i++) smooth.data[i] = 30 * Math.floor(i / 24);
    pasteSquare(target, smooth, { left: 0, top: 0, side: 200 });
    const column = Array.from({ length: 199 }, (_, y) => target.data[(y * 200 + 100) * 3]!);
    // 30 in 25 px: no row stands out.
    for (let y = 1; y < 199; y++) {
      const step = column[y]! - column[y - 1]!;
      expect(step).toBeGreaterThanOrEqual(-1);
      expect(step).toBeLessThanOrEqual(3);
    }
    expect(column[100]).toBe(Math.round((100.5 / 25 - 0.5) * 30));
  });

  it('a pasted crop restores the image that it was taken from', () => {
    const target = flat(60, 40, 0);
    for (let i = 0; i < target.data.length; i++)
      target.data[i] = (Math.floor(i / 3) * 7 + (i % 3) * 50) % 256;
    const before = target.data.slice();
    const square = { left: 20, top: 10, side: 24 };
    const part = flat(24, 24, 0);
    for (let y = 0; y < 24; y++)
      part.data.set(before.subarray(((10 + y) * 60 + 20) * 3, ((10 + y) * 60 + 44) * 3), y * 24 * 3);
    pasteSquare(target, part, square);
    expect(Buffer.from(target.data).equals(Buffer.from(before))).toBe(true);
  });
});
