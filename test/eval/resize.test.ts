import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DecodedImage, decodeImage } from '../../src/data/decode.js';
import { resizePillowBicubic, resizePillowBilinear, resizeTorchBilinear } from '../../src/eval/resize.js';
import { REFERENCE_DIR, readTensors } from '../support/reference.js';

/** 6x5 px: byte i is (97 i + 13) mod 251. */
const SMALL: DecodedImage = {
  data: Uint8Array.from({ length: 90 }, (_, i) => (97 * i + 13) % 251),
  width: 6,
  height: 5,
};

/** The first 27 numbers of `SMALL` at 8 and at 3 px. */
const TORCH = {
  8: [
    13, 110, 207, 38, 135, 232, 68, 165, 167.875, 98, 195, 41, 128, 225, 71, 158, 98.125, 101, 188, 34, 131,
    213, 59, 156, 8.188, 105.188, 202.188,
  ],
  3: [
    29.333, 126.333, 223.333, 109.333, 206.333, 52.333, 189.333, 35.333, 132.333, 136.5, 108, 205, 91, 188,
    34, 171, 142.5, 114, 118.167, 89.667, 186.667, 72.667, 169.667, 99.333, 152.667, 124.167, 95.667,
  ],
};
const PILLOW = {
  8: [
    13, 110, 207, 38, 135, 232, 68, 165, 168, 98, 195, 41, 128, 225, 71, 158, 98, 101, 188, 34, 131, 213, 59,
    156, 8, 105, 202,
  ],
  3: [
    37, 134, 195, 108, 174, 82, 179, 61, 122, 103, 117, 178, 91, 181, 65, 162, 128, 105, 110, 100, 181, 74,
    171, 102, 145, 135, 88,
  ],
};

const flat = (size: number): DecodedImage => ({
  data: new Uint8Array(size * size * 3).fill(200),
  width: size,
  height: size,
});

function maxDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
}

describe('resizing functions', () => {
  it.each([8, 3] as const)('resizeTorchBilinear equals PyTorch 2.9 at %i px', (size) => {
    const out = resizeTorchBilinear(SMALL, size);
    expect(out.length).toBe(size * size * 3);
    expect(maxDifference(out.subarray(0, 27), TORCH[size])).toBeLessThan(6e-4);
  });

  it.each([8, 3] as const)('resizePillowBilinear equals Pillow 13 on 8 bits at %i px', (size) => {
    const { data, width, height } = resizePillowBilinear(SMALL, size);
    expect([width, height, data.length]).toEqual([size, size, size * size * 3]);
    expect([...data.subarray(0, 27)]).toEqual(PILLOW[size]);
  });

  it.each([299, 32])('resizePillowBicubic equals clean-fid at %i px', async (size) => {
    const image = await decodeImage(join(REFERENCE_DIR, 'images/real/00.png'));
    const expected = readTensors('metrics.safetensors').get(`resize/clean_${size}`)!.data;
    expect(maxDifference(resizePillowBicubic(image, size), expected)).toBeLessThan(0.01);
  });

  it.each([1, 2, 17])('do not change an image of the target size (%i px)', (size) => {
    const image = { ...flat(size), data: flat(size).data.map((_, i) => (i * 37) % 256) };
    for (const out of [
      resizeTorchBilinear(image, size),
      resizePillowBicubic(image, size),
      resizePillowBilinear(image, size).data,
    ])
      expect([...out]).toEqual([...image.data]);
  });

  it.each([1, 5, 300])('preserve a single colour (from %i px)', (size) => {
    const image = flat(size);
    for (const out of [
      resizeTorchBilinear(image, 33),
      resizePillowBicubic(image, 33),
      resizePillowBilinear(image, 33).data,
    ])
      expect(maxDifference(out, new Float32Array(33 * 33 * 3).fill(200))).toBeLessThan(1e-4);
  });

  it('resizePillowBicubic clips values beyond black and white', () => {
    const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (Math.floor(i / 3) % 8 < 4 ? 0 : 255));
    const out = resizePillowBicubic({ data, width: 8, height: 8 }, 40);
    expect([Math.min(...out), Math.max(...out)]).toEqual([0, 255]);
  });
});
