import { describe, expect, it } from 'vitest';
import {
  type FaceMode,
  faceSquare,
  faceSquares,
  isPrepared,
  portraitSquare,
  squareWithin,
  wholePixels,
} from '../../src/faces/square.js';

const WIDE = { width: 1000, height: 600 };
const face = (left: number, top: number, width: number, height: number) => ({
  ...{ left, top, width, height },
  score: 0.9,
});

describe('a square around a face', () => {
  it('the square around a face has room for the head, more above than below', () => {
    const { left, top, side } = faceSquare(face(400, 250, 80, 100), WIDE);
    expect(side).toBe(200);
    expect(left + side / 2).toBe(440);
    expect(250 - top).toBeCloseTo(60);
    expect(top + side - 350).toBeCloseTo(40);
  });

  it('the square around a face grows with the margin', () => {
    expect(faceSquare(face(400, 250, 80, 100), WIDE, 0).side).toBe(100);
    expect(faceSquare(face(400, 250, 80, 100), WIDE, 1).side).toBe(300);
  });

  it.each([
    ['left and top', face(-20, -30, 100, 100), { left: 0, top: 0, side: 200 }],
    ['right and bottom', face(930, 560, 100, 100), { left: 800, top: 400, side: 200 }],
  ])('stays within the image at its %s', (_, at, expected) => {
    expect(faceSquare(at, WIDE)).toEqual(expected);
  });

  it('the square around a face is at most as large as the image', () => {
    expect(faceSquare(face(200, 0, 500, 590), WIDE)).toEqual({ left: 150, top: 0, side: 600 });
  });
});

describe('a portrait', () => {
  it('a portrait is cropped as little as possible, near its face', () => {
    // The crop would have 460 of 600 px.
    expect(portraitSquare(face(100, 200, 200, 230), WIDE)).toEqual({ left: 0, top: 0, side: 600 });
    expect(portraitSquare(face(600, 200, 200, 230), WIDE)).toEqual({ left: 400, top: 0, side: 600 });
  });

  it('an image with a small face is cropped to the face', () => {
    const small = face(100, 200, 200, 220);
    expect(portraitSquare(small, WIDE)).toEqual(faceSquare(small, WIDE));
  });
});

it.each<[FaceMode, number]>([
  ['off', 0],
  ['auto', 1],
  ['largest', 1],
  ['all', 2],
])('%s takes %i of two faces', (mode, count) => {
  const faces = [face(100, 100, 90, 90), face(500, 100, 60, 60)];
  const squares = faceSquares(mode, faces, WIDE);
  expect(squares).toEqual(faces.slice(0, count).map((one) => faceSquare(one, WIDE)));
  expect(faceSquares(mode, [], WIDE)).toEqual([]);
});

it('auto crops a portrait as little as possible, but to the head beside another face', () => {
  const [large, small] = [face(100, 200, 200, 230), face(700, 200, 60, 70)];
  expect(faceSquares('auto', [large], WIDE)).toEqual([portraitSquare(large, WIDE)]);
  expect(faceSquares('auto', [large, small], WIDE)).toEqual([faceSquare(large, WIDE)]);
});

it.each([
  [{ width: 128, height: 128 }, true],
  [{ width: 129, height: 129 }, false],
  [{ width: 128, height: 100 }, false],
])('whether %j was cropped for a model of 64 px: %s', (extent, expected) => {
  expect(isPrepared(extent, 64)).toBe(expected);
});

describe('whole pixels', () => {
  it('wholePixels rounds a square to the nearest pixels', () => {
    expect(wholePixels({ left: 10.4, top: 20.6, side: 99.5 }, WIDE)).toEqual({
      left: 10,
      top: 21,
      side: 100,
    });
  });

  it('wholePixels keeps a square within the image', () => {
    expect(wholePixels({ left: 900.5, top: 500.5, side: 99.5 }, WIDE)).toEqual({
      ...{ left: 900, top: 500 },
      side: 100,
    });
    expect(wholePixels(squareWithin(0.2, 0.2, 0.3, WIDE), WIDE)).toEqual({ left: 0, top: 0, side: 1 });
  });
});
