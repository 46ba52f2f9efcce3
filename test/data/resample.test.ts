import { describe, expect, it } from 'vitest';
import type { DecodedImage } from '../../src/data/decode.js';
import { CUBIC, type Filter, filterTable, resample, TRIANGLE } from '../../src/data/resample.js';

/** 7 x 6 px, grey: (37 x + 91 y + 13 x y) mod 256. */
const PICTURE: DecodedImage = {
  data: Uint8Array.from({ length: 7 * 6 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 7, Math.floor(i / 21)];
    return (37 * x + 91 * y + 13 * x * y) % 256;
  }),
  width: 7,
  height: 6,
};

interface Case {
  name: string;
  filter: Filter;
  box: [left: number, top: number, right: number, bottom: number];
  size: [width: number, height: number];
  expected: number[];
}

/** `Image.resize(size, filter, box)` of Pillow 13.0 on the image in mode F. */
const PILLOW: Case[] = [
  {
    name: 'reduced bilinearly',
    filter: TRIANGLE,
    box: [0.3, 0.6, 6.2, 5.5],
    size: [3, 4],
    expected: [
      98.8996, 153.4141, 118.5208, 166.2666, 132.7025, 158.0104, 101.147, 159.2644, 132.9772, 126.31,
      139.3481, 126.0714,
    ],
  },
  {
    name: 'enlarged bicubically',
    filter: CUBIC,
    box: [1.25, 0.5, 3.5, 2.75],
    size: [4, 4],
    expected: [
      58.5764, 84.8769, 110.7442, 136.7443, 124.527, 159.818, 195.3189, 236.7051, 195.6311, 160.3516,
      144.4829, 188.7888, 243.1032, 125.2579, 48.2946, 90.4936,
    ],
  },
];

describe('a part of an image', () => {
  it.each(PILLOW)('resamples part of an image as Pillow does: $name', ({ filter, box, size, expected }) => {
    const [left, top, right, bottom] = box;
    const made = resample(
      PICTURE,
      filterTable(filter, 7, size[0], left, right),
      filterTable(filter, 6, size[1], top, bottom),
    );
    expect(made.length).toBe(expected.length * 3);
    for (const [i, value] of expected.entries())
      for (let channel = 0; channel < 3; channel++) expect(made[3 * i + channel]).toBeCloseTo(value, 3);
  });

  it('repeats the pixels at the edge for a part that reaches beyond the image', () => {
    const column = filterTable(TRIANGLE, 7, 4, -8, -4);
    const made = resample(PICTURE, column, filterTable(TRIANGLE, 6, 6));
    for (let y = 0; y < 6; y++)
      for (let x = 0; x < 4; x++) expect(made[(y * 4 + x) * 3]).toBe(PICTURE.data[y * 21]);
  });
});
