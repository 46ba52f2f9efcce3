import { describe, expect, it } from 'vitest';
import type { Square } from '../../src/base/geometry.js';
import { Rng } from '../../src/base/rng.js';
import type { DecodedImage } from '../../src/data/decoded-image.js';
import { pasteIntoPart, pasteSquare, touchedPart } from '../../src/faces/paste.js';

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

  it('a pasted square may reach beyond the image, and shows the part that is inside', () => {
    const square = { left: -8, top: 25, side: 24 };
    // The ramp tells where in the square a pixel is.
    const size = 24;
    const ramp = flat(size, size, 0);
    for (let i = 0; i < ramp.data.length; i++) ramp.data[i] = (Math.floor(i / 3) % size) * 10;
    const target = flat(60, 40, 0);
    pasteSquare(target, ramp, square);
    const at = (x: number, y: number): number => target.data[(y * 60 + x) * 3]!;
    expect([at(0, 37), at(4, 37)]).toEqual([80, 120]);
    expect(at(15, 37)).toBeLessThan(20);
    expect([at(16, 37), at(4, 24)]).toEqual([0, 0]);
    const before = target.data.slice();
    pasteSquare(target, ramp, { left: 60, top: 0, side: 20 });
    pasteSquare(target, ramp, { left: -30, top: 0, side: 20 });
    expect(target.data).toEqual(before);
  });
});

describe('the part of an image that a square touches', () => {
  it('the part that a square touches has all of its pixels that are in the image', () => {
    const image = { width: 60, height: 40 };
    expect(touchedPart({ left: 12.4, top: 7.3, side: 24.5 }, image)).toEqual({
      ...{ left: 12, top: 7, width: 25, height: 25 },
    });
    expect(touchedPart({ left: -8, top: 25, side: 24 }, image)).toEqual({
      ...{ left: 0, top: 25, width: 16, height: 15 },
    });
    expect(touchedPart({ left: 70, top: 5, side: 24 }, image).width).toBe(0);
    expect(touchedPart({ left: 5, top: -30, side: 24 }, image).height).toBe(0);
  });

  it('pasting into that part, of RGBA as canvases have it, gives the bytes that pasting into the whole RGB image gives', () => {
    const rng = new Rng(1, 'paste');
    const noise = (width: number, height: number): DecodedImage => ({
      data: Uint8Array.from({ length: width * height * 3 }, () => rng.integer(256)),
      ...{ width, height },
    });
    for (const square of [
      { left: 12.4, top: 7.3, side: 24.5 },
      { left: 0, top: 0, side: 40 },
      { left: 36, top: 20, side: 24 },
      { left: -5, top: -6.5, side: 30 },
      { left: 41.5, top: 22.5, side: 35 },
    ]) {
      const [target, image] = [noise(60, 40), noise(16, 16)];
      const part = touchedPart(square, target);
      const { left, top, width, height } = part;
      const rgba = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
        const [x, y] = [left + (Math.floor(i / 4) % width), top + Math.floor(i / 4 / width)];
        return i % 4 === 3 ? 255 : target.data[(y * 60 + x) * 3 + (i % 4)]!;
      });
      pasteIntoPart({ ...part, data: rgba, channels: 4 }, target, image, square, 0.9);
      const before = target.data.slice();
      pasteSquare(target, image, square, 0.9);
      expect(target.data).not.toEqual(before);
      const expected = rgba.map((_, i) => {
        const [x, y] = [left + (Math.floor(i / 4) % width), top + Math.floor(i / 4 / width)];
        return i % 4 === 3 ? 255 : target.data[(y * 60 + x) * 3 + (i % 4)]!;
      });
      expect(rgba).toEqual(expected);
    }
  });
});
