import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { sampleFactors } from '../../src/sample/draw.js';
import { type FaceMeasure, type MeanFace, meanFace, measureFace } from '../../src/sample/face-measure.js';
import { FAMILIES, type Family } from '../../src/sample/factors.js';
import { rasterise } from '../../src/sample/raster.js';
import { contentCorrelation } from '../../src/sample/sample-measures.js';
import { decodedImage, flatImage, type Sample } from '../support/images.js';

const KEYS = ['x', 'y', 'scale'] as const;

/** Anime images: those of 'trainB' for mean faces, those of 'testB' to be measured. */
async function drawn(
  folder: 'trainB' | 'testB',
  family: Family,
  count: number,
  { size = 64, blur = 0 } = {},
): Promise<Sample[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const factors = sampleFactors(11, folder, `${folder}/${i}`, family);
      const png = await rasterise(factors, size);
      const image = await decodedImage(blur > 0 ? await sharp(png).blur(blur).png().toBuffer() : png);
      return { image, content: factors.content };
    }),
  );
}

const meanOf = (samples: Sample[]): MeanFace =>
  meanFace(
    samples.map(({ image }) => image),
    samples.map(({ content }) => content),
  );
const correlationOf = (samples: Sample[], face: MeanFace): FaceMeasure =>
  contentCorrelation(
    samples.map(({ image }) => image),
    samples.map(({ content }) => content),
    face,
  );

const faces = {} as Record<Family, MeanFace>;
beforeAll(async () => {
  for (const family of FAMILIES) faces[family] = meanOf(await drawn('trainB', family, 40));
});

describe('measureFace', () => {
  test.each([
    ['vivid', 0],
    ['vivid', 1],
    ['vivid', 2],
    ['pastel', 0],
    ['pastel', 2],
    ['print', 0],
    ['print', 2],
  ] as const)('follows place and size in %s images blurred by %d px of 64', async (family, blur) => {
    const { x, y, scale } = correlationOf(await drawn('testB', family, 40, { blur }), faces[family]);
    expect(x).toBeGreaterThan(0.97);
    expect(y).toBeGreaterThan(0.97);
    expect(scale).toBeGreaterThan(0.95);
  });

  test('measures one family with the mean face of another', async () => {
    const found = correlationOf(await drawn('testB', 'pastel', 40), faces.vivid);
    for (const key of KEYS) expect(found[key]).toBeGreaterThan(0.95);
  });

  test('has the units of the factors', async () => {
    const samples = await drawn('testB', 'vivid', 20);
    for (const { image, content } of samples) {
      const found = measureFace(image, faces.vivid);
      expect(Math.abs(found.x - content.x)).toBeLessThan(0.06);
      expect(Math.abs(found.y - content.y)).toBeLessThan(0.06);
      expect(Math.abs(found.scale - content.scale)).toBeLessThan(0.15);
    }
  });

  test.each([32, 128])('measures images of %d px with a mean face of 64 px images', async (size) => {
    const found = correlationOf(await drawn('testB', 'vivid', 40, { size }), faces.vivid);
    for (const key of KEYS) expect(found[key]).toBeGreaterThan(0.95);
  });

  test('does not correlate with the factors of other images', async () => {
    const samples = await drawn('testB', 'vivid', 60);
    const shifted = samples.map(({ image }, i) => ({
      image,
      content: samples[(i + 1) % samples.length]!.content,
    }));
    const found = correlationOf(shifted, faces.vivid);
    for (const key of KEYS) expect(Math.abs(found[key])).toBeLessThan(0.35);
  });

  test('returns the middle of its range for an image without edges', () => {
    const { x, y, scale } = measureFace(flatImage(0.2, 0.2, 0.2, 64), faces.vivid);
    expect(x).toBeCloseTo(0, 6);
    expect(y).toBeCloseTo(0, 6);
    expect(scale).toBeCloseTo(1, 6);
  });
});

test('meanFace rejects no images, and another number of contents', () => {
  expect(() => meanFace([], [])).toThrow(RangeError);
  expect(() => meanFace([flatImage(0, 0, 0)], [])).toThrow('1 images and 0 contents');
});
