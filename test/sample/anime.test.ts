import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { FAMILIES, mannerOf } from '../../src/sample/anime/families.js';
import type { Ink } from '../../src/sample/anime/ink.js';
import { ACCESSORIES, CLOTHES, EYE_SHAPES, HAIR_SHAPES } from '../../src/sample/anime/kinds.js';
import { type AnimeStyle, drawAnimeStyle } from '../../src/sample/anime/style.js';
import { animeSvg } from '../../src/sample/anime.js';
import { type Content, drawContent } from '../../src/sample/factors.js';
import { landmarksOf } from '../../src/sample/pose.js';
import { AHEAD } from '../support/content.js';

const SIZE = 256;
const [EYE, MOUTH, OTHER] = ['#ff0000', '#00ff00', '#000000'];

/** The inks of a style: red eyes, a green mouth, and black for all else. */
function markers(style: AnimeStyle): Ink {
  const ink = mannerOf(style.family).inkOf(style);
  const black = Object.entries(ink).map(([key, value]) => [key, typeof value === 'string' ? OTHER : value]);
  const eye = { eyeWhite: EYE, irisRim: EYE, pupil: EYE, highlight: EYE, iris: [EYE, EYE, EYE] as const };
  const mouth = { mouth: MOUTH, tongue: MOUTH, teeth: MOUTH, lip: MOUTH };
  return { ...(Object.fromEntries(black) as unknown as Ink), ...eye, ...mouth };
}

/** Centroids, in shares of the image, of the pixels that have more than half of one channel. */
async function centroids(content: Content, style: AnimeStyle) {
  const black = { ...style, backgroundColours: [OTHER, OTHER], accessory: 'none' as const };
  const svg = animeSvg(content, black, SIZE, markers(style));
  const { data } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { leftEye, rightEye } = landmarksOf(content);
  const sums = { leftEye: [0, 0, 0], rightEye: [0, 0, 0], mouth: [0, 0, 0] };
  for (let i = 0; i < SIZE * SIZE; i++) {
    const [x, y] = [((i % SIZE) + 0.5) / SIZE, (Math.floor(i / SIZE) + 0.5) / SIZE];
    const [red, green, blue] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    if (blue > 100) continue;
    const isLeft = Math.hypot(x - leftEye[0], y - leftEye[1]) < Math.hypot(x - rightEye[0], y - rightEye[1]);
    const sum = green > 128 ? sums.mouth : red > 128 ? (isLeft ? sums.leftEye : sums.rightEye) : undefined;
    if (!sum) continue;
    sum[0]! += x;
    sum[1]! += y;
    sum[2]! += 1;
  }
  return sums;
}

const straight: Content = { ...AHEAD, smile: 0.5, open: 0.5, hairLength: 0.5 };
const POSES: Partial<Content>[] = [
  {},
  { turn: 1 },
  { turn: -1, tilt: 20 },
  { turn: 0.5, scale: 1.3, gazeX: 1, gazeY: -1 },
  { turn: -0.6, tilt: -20, scale: 0.7, x: 0.12, y: -0.12, gazeX: -1, gazeY: 1 },
];

describe.each(FAMILIES)('portraits of the family %s', (family) => {
  test('have eyes and mouth within 1 % of the image of where the content has them', async () => {
    const rng = new Rng(4, family);
    for (const pose of POSES)
      for (const eyeShape of EYE_SHAPES) {
        const style: AnimeStyle = { ...drawAnimeStyle(rng, family), eyeShape };
        const content = { ...straight, ...pose, smile: rng.uniform(), open: rng.uniform() };
        const found = await centroids(content, style);
        for (const [key, place] of Object.entries(landmarksOf(content))) {
          const [x, y, count] = found[key as keyof typeof found] as [number, number, number];
          const name = `${key} at ${JSON.stringify(content)} in ${JSON.stringify(style)}`;
          expect(count, name).toBeGreaterThan(0);
          expect(Math.abs(x / count - place[0]), name).toBeLessThan(0.01);
          expect(Math.abs(y / count - place[1]), name).toBeLessThan(0.01);
        }
      }
  });

  test('have no hair that hides more than a fifth of an eye', async () => {
    const rng = new Rng(5, family);
    const style = drawAnimeStyle(rng, family);
    for (const turn of [-1, 0, 1]) {
      const content = { ...straight, turn, hairLength: rng.uniform() };
      const counts = await Promise.all(
        HAIR_SHAPES.map(async (hairShape) => {
          const { leftEye, rightEye } = await centroids(content, { ...style, hairShape });
          return [leftEye[2]!, rightEye[2]!];
        }),
      );
      for (const eye of [0, 1]) {
        const whole = Math.max(...counts.map((count) => count[eye]!));
        for (const [i, count] of counts.entries())
          expect(count[eye], `${HAIR_SHAPES[i]} at turn ${turn}`).toBeGreaterThan(0.8 * whole);
      }
    }
  });

  test('have styles that differ in hair, clothes and backgrounds, with both figures', () => {
    const rng = new Rng(6, family);
    const styles = Array.from({ length: 300 }, () => drawAnimeStyle(rng, family));
    const kindsOf = (key: keyof AnimeStyle) => new Set(styles.map((style) => style[key])).size;
    expect(kindsOf('hairShape')).toBe(HAIR_SHAPES.length);
    expect(kindsOf('eyeShape')).toBe(EYE_SHAPES.length);
    expect(kindsOf('figure')).toBe(2);
    expect(kindsOf('clothes')).toBe(CLOTHES.length);
    expect(kindsOf('accessory')).toBe(ACCESSORIES.length);
    expect(kindsOf('background')).toBe(mannerOf(family).backgrounds.length);
    // Two thirds or more are before one plain colour.
    expect(styles.filter(({ background }) => background === 'flat').length).toBeGreaterThan(180);
  });
});

test('a portrait of a head turned to the left is not that of one turned to the right', () => {
  const rng = new Rng(7, 'turn');
  const content = drawContent(rng);
  for (const family of FAMILIES) {
    const style = drawAnimeStyle(rng, family);
    const drawings = [-1, 0, 1].map((turn) => animeSvg({ ...content, turn }, style, 64));
    expect(new Set(drawings).size).toBe(3);
  }
});
