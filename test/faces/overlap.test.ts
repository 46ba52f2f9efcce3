import { describe, expect, it } from 'vitest';
import type { Face } from '../../src/faces/face.js';
import { joinBoxes, overlap, strongestBoxes } from '../../src/faces/overlap.js';

const face = (x: number, y: number, side: number): Face => ({
  ...{ left: x - side / 2, top: y - side / 2, width: side, height: side },
  score: 0.9,
});

describe('the overlap of two boxes', () => {
  it.each([
    [face(50, 50, 20), face(50, 50, 20), 1],
    [face(50, 50, 20), face(60, 50, 20), 1 / 3],
    [face(50, 50, 20), face(80, 50, 20), 0],
    [face(50, 50, 20), face(50, 50, 10), 1 / 4],
  ])('of %j and %j', (a, b, expected) => {
    expect(overlap(a, b)).toBeCloseTo(expected, 12);
  });
});

describe('boxes of several looks', () => {
  const scored = (x: number, score: number): Face => ({ ...face(x, 50, 20), score });
  const middles = (...boxes: Face[]): number[] => joinBoxes(boxes, 0.5).map(({ left }) => left + 10);

  it('boxes of several detections merge into one for each face', () => {
    expect(middles(scored(150, 0.9), scored(50, 0.8), scored(154, 0.9), scored(52, 0.8))).toEqual([
      expect.closeTo(152, 6),
      expect.closeTo(51, 6),
    ]);
    expect(joinBoxes([scored(50, 0.6), scored(52, 0.8)], 0.5)[0]!.score).toBe(0.8);
    // Beside each other.
    expect(middles(scored(50, 0.9), scored(62, 0.9)).length).toBe(2);
    expect(joinBoxes([], 0.5)).toEqual([]);
  });

  it('merged boxes do not jump when another box gets the highest score, or a new one appears', () => {
    const [one, other] = [
      middles(scored(50, 0.9), scored(54, 0.901)),
      middles(scored(50, 0.901), scored(54, 0.9)),
    ];
    expect(Math.abs(one[0]! - other[0]!)).toBeLessThan(0.02);
    expect(middles(scored(50, 0.9), scored(54, 0.501))[0]).toBeCloseTo(50, 1);
    expect(middles(scored(50, 0.5), scored(54, 0.5))[0]).toBeCloseTo(52, 6);
  });
});

describe('boxes of one look', () => {
  it('a box that overlaps a stronger one by more than half is dropped', () => {
    const [strong, weak, other] = [face(50, 50, 20), face(52, 50, 20), face(62, 50, 20)];
    const boxes = [
      { ...weak, score: 0.6 },
      { ...other, score: 0.7 },
      { ...strong, score: 0.9 },
    ];
    expect(strongestBoxes(boxes, 10).map(({ score }) => score)).toEqual([0.9, 0.7]);
    expect(strongestBoxes(boxes, 1).map(({ score }) => score)).toEqual([0.9]);
  });
});
