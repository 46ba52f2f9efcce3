import { describe, expect, it } from 'vitest';
import type { DecodedImage, Square } from '../../src/data/decode.js';
import { pasteSquare } from '../../src/faces/crop.js';

const flat = (width: number, height: number, value: number): DecodedImage => ({
  data: new Uint8Array(width * height * 3).fill(value),
  width,
  height,
});

/** What is left in a black 60 x 40 picture after a white one is pasted: the red channel of each pixel. */
function pasted(square: Square, strength?: number): (x: number, y: number) => number {
  const target = flat(60, 40, 0);
  pasteSquare(target, flat(8, 8, 255), square, strength);
  return (x, y) => target.data[(y * 60 + x) * 3]!;
}

describe('a pasted square', () => {
  it('is all there in its middle, fades towards its edges, and is nowhere else', () => {
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

  it("does not fade along the picture's own edges", () => {
    const at = pasted({ left: 0, top: 0, side: 20 });
    for (const place of [at(0, 0), at(0, 10), at(10, 0)]) expect(place).toBe(255);
    expect(at(19, 10)).toBeLessThan(20);
    const other = pasted({ left: 40, top: 20, side: 20 });
    expect(other(59, 39)).toBe(255);
    expect(other(40, 30)).toBeLessThan(20);
  });

  it('may be weaker, down to nothing', () => {
    expect(pasted({ left: 10, top: 10, side: 20 }, 0.5)(20, 20)).toBe(128);
    expect(pasted({ left: 10, top: 10, side: 20 }, 0)(20, 20)).toBe(0);
  });

  it('shows its picture in the right place, between whole pixels too', () => {
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

  it('puts a picture back where it was taken from', () => {
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
