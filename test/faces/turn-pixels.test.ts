import { describe, expect, it } from 'vitest';
import type { DecodedImage } from '../../src/data/decoded-image.js';
import type { QuarterTurns } from '../../src/faces/turn.js';
import { inverseTurns, turnImage, unturnedSquare } from '../../src/faces/turn-pixels.js';

/** An image in which every pixel differs from all others. */
function numbered(width: number, height: number): DecodedImage {
  return { data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 256), width, height };
}

function part({ data, width }: DecodedImage, left: number, top: number, side: number): DecodedImage {
  const rows = Array.from({ length: side }, (_, y) => [
    ...data.subarray(((top + y) * width + left) * 3, ((top + y) * width + left + side) * 3),
  ]);
  return { data: Uint8Array.from(rows.flat()), width: side, height: side };
}

describe('an image that is turned by quarters', () => {
  it('a clockwise turn brings the left column, from the bottom up, to the top row', () => {
    const turned = turnImage(numbered(2, 3), 1);
    expect([turned.width, turned.height]).toEqual([3, 2]);
    const firsts = (image: DecodedImage) => [...image.data].filter((_, i) => i % 3 === 0);
    const before = firsts(numbered(2, 3));
    expect(firsts(turned)).toEqual([4, 2, 0, 5, 3, 1].map((i) => before[i]));
  });

  it.each([1, 2, 3] as const)('%i turns are that many single turns, and the inverse undoes them', (turns) => {
    const image = numbered(4, 6);
    let single = image;
    for (let i = 0; i < turns; i++) single = turnImage(single, 1);
    expect(turnImage(image, turns)).toEqual(single);
    expect(turnImage(turnImage(image, turns), inverseTurns(turns))).toEqual(image);
  });

  it.each([0, 1, 2, 3] as QuarterTurns[])(
    'a square after %i turns shows what its place in the image shows',
    (turns) => {
      const image = numbered(9, 7);
      const square = { left: 2, top: 1, side: 4 };
      const { left, top, side } = unturnedSquare(square, image, turns);
      const there = part(turnImage(image, turns), square.left, square.top, square.side);
      expect(turnImage(part(image, left, top, side), turns)).toEqual(there);
    },
  );
});
