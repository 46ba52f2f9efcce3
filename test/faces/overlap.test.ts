import { describe, expect, it } from 'vitest';
import type { Face } from '../../src/faces/detector.js';
import { overlap } from '../../src/faces/overlap.js';

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
