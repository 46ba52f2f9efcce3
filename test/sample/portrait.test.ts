import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import {
  ACCESSORIES,
  BACKGROUNDS,
  CLOTHES,
  EYE_SHAPES,
  FIGURES,
  HAIR_SHAPES,
} from '../../src/sample/anime/kinds.js';
import { sampleFactors } from '../../src/sample/draw.js';
import {
  FAMILIES,
  PHOTO_BEARDS,
  PHOTO_CLOTHES,
  PHOTO_CUTS,
  PHOTO_EXTRAS,
  PHOTO_GLASSES,
  PHOTO_HAIR_SHAPES,
  PHOTO_HATS,
  PHOTO_SCENES,
  PHOTO_TIES,
  type PortraitFactors,
} from '../../src/sample/factors.js';
import { portraitSvg } from '../../src/sample/portrait.js';
import { rasterise } from '../../src/sample/raster.js';

const PHOTO_KINDS = {
  hairShape: PHOTO_HAIR_SHAPES,
  beard: PHOTO_BEARDS,
  glasses: PHOTO_GLASSES,
  hat: PHOTO_HATS,
  extra: PHOTO_EXTRAS,
  clothes: PHOTO_CLOTHES,
  scene: PHOTO_SCENES,
};
const drawnPhoto = sampleFactors(0, 'trainA', 'trainA/00001', 'vivid');
/** A photograph whose hair shows its shape, taken by a camera without errors. */
const photo = {
  content: { ...drawnPhoto.content, hairLength: 0.8 },
  style: {
    ...drawnPhoto.style,
    hairShape: 'middle',
    tie: 'loose',
    beard: 'none',
    hat: 'none',
    glasses: 'none',
    extra: 'none',
    chromaNoise: 0,
    noise: 3,
    monochrome: false,
    contrast: 0.4,
    exposure: 0,
    jpeg: 100,
  },
} as PortraitFactors;
const anime = sampleFactors(0, 'trainB', 'trainB/00001', 'vivid');

/** Every kind of each style factor on one portrait. */
function variants(): PortraitFactors[] {
  const out: PortraitFactors[] = [];
  const vary = (base: PortraitFactors, key: string, values: readonly unknown[]) => {
    for (const value of values) {
      out.push({ ...base, style: { ...base.style, [key]: value } } as PortraitFactors);
    }
  };
  for (const [key, values] of Object.entries(PHOTO_KINDS)) vary(photo, key, values);
  vary(anime, 'figure', FIGURES);
  vary(anime, 'hairShape', HAIR_SHAPES);
  vary(anime, 'eyeShape', EYE_SHAPES);
  vary(anime, 'clothes', CLOTHES);
  vary(anime, 'accessory', ACCESSORIES);
  vary(anime, 'family', FAMILIES);
  vary(anime, 'background', BACKGROUNDS);
  return out;
}

describe('drawings', () => {
  test('are pure, valid SVG without text, links or numbers that are not finite', () => {
    for (const factors of variants()) {
      const drawing = portraitSvg(factors, 64);
      expect(portraitSvg(factors, 64)).toBe(drawing);
      const height = factors.style.manner === 'photo' ? 4 : 1;
      const head = `width="64" height="${64 * height}" viewBox="0 0 100 ${100 * height}">`;
      expect(drawing).toMatch(/^<svg .*<\/svg>$/s);
      expect(drawing.slice(0, 140)).toContain(head);
      expect(drawing).not.toMatch(/<text|<image|href|font|NaN|undefined|Infinity|\[object/);
      const referred = [...drawing.matchAll(/url\(#([^)]+)\)/g)].map((match) => match[1]!);
      for (const id of referred) expect(drawing).toContain(`id="${id}"`);
    }
  });

  test('differ for each kind of a style factor', () => {
    const photos = variants().filter(({ style }) => style.manner === 'photo');
    const drawings = photos.map((factors) => portraitSvg(factors, 64));
    // The base portrait's kind comes once in each of the lists.
    expect(new Set(drawings).size).toBe(drawings.length - (Object.keys(PHOTO_KINDS).length - 1));
    for (const [key, values, hairLength] of [
      ['cut', PHOTO_CUTS, 0.05],
      ['tie', PHOTO_TIES, 0.55],
    ] as const) {
      const content = { ...photo.content, hairLength };
      const kinds = values.map((value) =>
        portraitSvg({ content, style: { ...photo.style, [key]: value } } as PortraitFactors, 64),
      );
      expect(new Set(kinds).size).toBe(values.length);
    }
    const animes = variants().filter(({ style }) => style.manner === 'anime');
    expect(new Set(animes.map((factors) => portraitSvg(factors, 64))).size).toBe(animes.length - 6);
  });

  test.each([
    ['photo', photo],
    ['anime', anime],
  ])('of a %s change with every content factor', async (_, factors) => {
    const base = await pixels(factors);
    const changes = {
      x: 0.1,
      y: -0.1,
      scale: 1.15,
      tilt: -12,
      turn: 0.8,
      gazeX: 0.9,
      gazeY: -0.9,
      smile: 0.05,
      open: 0.95,
      hairLength: 0.5,
    };
    const start = {
      x: 0,
      y: 0,
      scale: 1,
      tilt: 0,
      turn: 0,
      gazeX: -0.9,
      gazeY: 0.9,
      smile: 0.95,
      open: 0,
      hairLength: 1,
    };
    const middle = await pixels({ ...factors, content: start });
    expect(middle).not.toEqual(base);
    for (const [key, value] of Object.entries(changes)) {
      const changed = await pixels({ ...factors, content: { ...start, [key]: value } });
      const difference = Math.max(...changed.map((level, i) => Math.abs(level - middle[i]!)));
      expect(difference, key).toBeGreaterThan(20);
    }
  });
});

async function pixels(factors: PortraitFactors): Promise<number[]> {
  return [
    ...(await sharp(await rasterise(factors, 64))
      .raw()
      .toBuffer()),
  ];
}

describe('rasterise', () => {
  test('adds noise to photographs, but not to anime', async () => {
    const quiet = { ...photo, style: { ...photo.style, noise: 0 } } as PortraitFactors;
    const [noisy, clean] = [await pixels(photo), await pixels(quiet)];
    const squares = noisy.map((level, i) => (level - clean[i]!) ** 2);
    const deviation = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
    const { noise } = photo.style as { noise: number };
    expect(deviation).toBeGreaterThan(0.7 * noise);
    expect(deviation).toBeLessThan(1.3 * noise);
    const flat = { ...anime, style: { ...anime.style, background: 'flat' } } as PortraitFactors;
    const level = await pixels(flat);
    expect(level.slice(0, 3)).toEqual(level.slice(3, 6));
  });

  test('returns the same bytes for the same factors', async () => {
    for (const factors of [photo, anime]) {
      expect((await rasterise(factors, 64)).equals(await rasterise(factors, 64))).toBe(true);
    }
  });
});
