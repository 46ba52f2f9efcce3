import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { type Content, drawContent, drawPhotoStyle, type PhotoStyle } from '../../src/sample/factors.js';
import { landmarksOf } from '../../src/sample/pose.js';
import { rasterise } from '../../src/sample/raster.js';
import type { Point } from '../../src/sample/svg.js';
import { AHEAD } from '../support/content.js';

const SIZE = 256;
/** Shares of the image's width. */
const TOLERANCE = 0.01;

const ahead: Content = { ...AHEAD, smile: 0.2 };

/** A face of any shape without anything before it, with green irises and blue lips, taken by a perfect camera. */
function marked(seed: number): PhotoStyle {
  return {
    ...drawPhotoStyle(new Rng(seed, 'marked')),
    skin: '#c48f70',
    hair: '#2b1d16',
    iris: '#00ff00',
    lips: '#0000ff',
    cut: 'bald',
    beard: 'none',
    glasses: 'none',
    hat: 'none',
    extra: 'none',
    clothesColour: '#777777',
    clothes: 'crew',
    accent: '#777777',
    scene: 'wall',
    background: ['#999999', '#aaaaaa', '#888888'],
    light: 0.3,
    contrast: 0.4,
    rim: 0,
    warmth: 0,
    exposure: 0,
    noise: 0,
    chromaNoise: 0,
    blur: 0,
    vignette: 0,
    monochrome: false,
    jpeg: 100,
  };
}

/** Pixels, in shares of the image, where one channel outshines the others. */
async function pixelsOf(content: Content, style: PhotoStyle, channel: 1 | 2): Promise<Point[]> {
  const data = await sharp(await rasterise({ content, style }, SIZE))
    .raw()
    .toBuffer();
  const out: Point[] = [];
  for (let i = 0; i < SIZE * SIZE; i++) {
    const level = data[3 * i + channel]!;
    const others = Math.max(data[3 * i]!, data[3 * i + 3 - channel]!);
    if (level > 40 && level > 1.35 * others)
      out.push([((i % SIZE) + 0.5) / SIZE, (Math.floor(i / SIZE) + 0.5) / SIZE]);
  }
  return out;
}

function middleOf(points: readonly Point[]): Point {
  const middle = (axis: 0 | 1): number => {
    const sorted = points.map((point) => point[axis]).sort((a, b) => a - b);
    return (sorted[0]! + sorted.at(-1)!) / 2;
  };
  return [middle(0), middle(1)];
}

/** Middles of the two irises, from the left of the image. */
async function irises(content: Content, style: PhotoStyle): Promise<[Point, Point]> {
  const points = await pixelsOf(content, style, 1);
  const { leftEye, rightEye } = landmarksOf(content);
  const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const left = points.filter((point) => distance(point, leftEye) < distance(point, rightEye));
  const right = points.filter((point) => distance(point, leftEye) >= distance(point, rightEye));
  expect(left.length).toBeGreaterThan(15);
  expect(right.length).toBeGreaterThan(15);
  return [middleOf(left), middleOf(right)];
}

function expectNear(found: Point, expected: Point): void {
  expect(Math.hypot(found[0] - expected[0], found[1] - expected[1])).toBeLessThan(TOLERANCE);
}

describe('the landmarks of a photograph', () => {
  const poses: [string, Partial<Content>][] = [
    ['ahead', {}],
    ['left', { turn: -1 }],
    ['right', { turn: 1, scale: 1.3 }],
    ['half right and tilted', { turn: 0.5, tilt: 20, x: 0.1, y: -0.08 }],
    ['half left, tilted and small', { turn: -0.6, tilt: -15, scale: 0.7, y: 0.1 }],
  ];

  test.each(poses)('are the middles of the eyes on a head that looks %s', async (_, change) => {
    const content = { ...ahead, ...change };
    const { leftEye, rightEye } = landmarksOf(content);
    for (const seed of [1, 2]) {
      const [left, right] = await irises(content, marked(seed));
      expectNear(left, leftEye);
      expectNear(right, rightEye);
    }
  });

  test('are the middles of the eyes, not of irises: opposite gazes lie on opposite sides of them', async () => {
    const content = { ...ahead, turn: 0.4 };
    const style = marked(3);
    const [a, b] = [
      await irises({ ...content, gazeX: -1 }, style),
      await irises({ ...content, gazeX: 1 }, style),
    ];
    const { leftEye, rightEye } = landmarksOf(content);
    for (const [i, eye] of [leftEye, rightEye].entries()) {
      expect(b[i]![0] - a[i]![0]).toBeGreaterThan(0.01);
      expectNear([(a[i]![0] + b[i]![0]) / 2, (a[i]![1] + b[i]![1]) / 2], eye);
    }
  });

  test.each(poses)('have the mouth, closed and open, on a head that looks %s', async (_, change) => {
    for (const [seed, open] of [
      [1, 0],
      [2, 0.4],
      [3, 1],
    ] as const) {
      const content = { ...ahead, ...change, open };
      expectNear(middleOf(await pixelsOf(content, marked(seed), 2)), landmarksOf(content).mouth);
    }
  });
});

test('a hundred drawn photographs are finite in every pose', async () => {
  const rng = new Rng(9, 'many');
  for (let i = 0; i < 100; i++) {
    const png = await rasterise({ content: drawContent(rng), style: drawPhotoStyle(rng) }, 32);
    const { channels } = await sharp(png).stats();
    // A photograph is never of one colour.
    for (const { stdev } of channels) expect(stdev).toBeGreaterThan(3);
  }
});
