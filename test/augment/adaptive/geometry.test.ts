import { describe, expect, it } from 'vitest';
import { drawGeometry, type Geometry, samplingMatrix } from '../../../src/augment/adaptive/geometry.js';
import { Rng } from '../../../src/base/rng.js';
import {
  DEVIATION_LIMIT,
  deviationFrom,
  KOLMOGOROV_LIMIT,
  kolmogorov,
  normalCdf,
  tally,
  unevenness,
  uniformCdf,
} from '../../support/statistics.js';

const SIZE = 64;
const NONE: Geometry = {
  flip: false,
  quarterTurns: 0,
  shift: [0, 0],
  scale: 1,
  rotationBefore: 0,
  stretch: 1,
  rotationAfter: 0,
  drift: [0, 0],
};
type Point = readonly [number, number];

/** The position that the sampling matrix maps a pixel of the result to. */
function sourceOf(geometry: Partial<Geometry>, [x, y]: Point, size = SIZE): Point {
  const [a, b, c, d, e, f] = samplingMatrix({ ...NONE, ...geometry }, size);
  return [a * x + b * y + c, d * x + e * y + f];
}

describe('drawn geometry', () => {
  const DRAWS = 4000;
  const P = 0.6;
  const drawn = (blit: number, geometry: number, count = DRAWS): Geometry[] => {
    const rng = new Rng(1, 'geometry');
    return Array.from({ length: count }, () => drawGeometry({ blit, geometry }, SIZE, rng));
  };
  const draws = drawn(P, P);
  const rotation = 1 - Math.sqrt(1 - P);

  it('is the identity at probability 0 and has all transforms at probability 1', () => {
    expect(drawn(0, 0, 50)).toEqual(Array(50).fill(NONE));
    for (const draw of drawn(1, 1, 50))
      for (const name of ['scale', 'rotationBefore', 'stretch', 'rotationAfter', 'drift'] as const)
        expect(draw[name], name).not.toEqual(NONE[name]);
  });

  it('has a separate probability for each of the two stages', () => {
    const { flip, quarterTurns, shift, ...later } = NONE;
    for (const draw of drawn(1, 0, 50)) expect(draw).toMatchObject(later);
    for (const draw of drawn(0, 1, 50)) expect(draw).toMatchObject({ flip, quarterTurns, shift });
  });

  it.each<[keyof Geometry, number]>([
    ['flip', P / 2],
    ['quarterTurns', (P * 3) / 4],
    ['scale', P],
    ['rotationBefore', rotation],
    ['stretch', P],
    ['rotationAfter', rotation],
    ['drift', P],
  ])('%s occurs with its probability', (name, probability) => {
    const hits = draws.filter((draw) => String(draw[name]) !== String(NONE[name])).length;
    expect(deviationFrom(probability, hits, DRAWS)).toBeLessThan(DEVIATION_LIMIT);
  });

  it('rotates before or after the stretch with the probability of any other transform', () => {
    const hits = draws.filter((draw) => draw.rotationBefore !== 0 || draw.rotationAfter !== 0).length;
    expect(deviationFrom(P, hits, DRAWS)).toBeLessThan(DEVIATION_LIMIT);
  });

  it('has the distributions of the paper', () => {
    const taken = <T>(values: T[], none: T): T[] => values.filter((value) => value !== none);
    const fits = (values: number[], cdf: (x: number) => number): void => {
      expect(kolmogorov(values, cdf)).toBeLessThan(KOLMOGOROV_LIMIT);
    };
    for (const name of ['scale', 'stretch'] as const)
      fits(
        taken(
          draws.map((draw) => draw[name]),
          1,
        ).map(Math.log2),
        normalCdf(0.2),
      );
    for (const name of ['rotationBefore', 'rotationAfter'] as const)
      fits(
        taken(
          draws.map((draw) => draw[name]),
          0,
        ),
        uniformCdf(-Math.PI, Math.PI),
      );
    for (const axis of [0, 1] as const)
      fits(
        taken(
          draws.map(({ drift }) => drift[axis]),
          0,
        ),
        normalCdf(SIZE / 8),
      );
    const turns = tally(
      taken(
        draws.map(({ quarterTurns }) => quarterTurns),
        0,
      ),
      4,
    );
    expect(unevenness(turns.slice(1))).toBeLessThan(DEVIATION_LIMIT);
  });

  it('shifts by whole pixels, uniformly up to an eighth of the image', () => {
    const shifts = drawn(1, 0).map(({ shift }) => shift);
    for (const axis of [0, 1] as const) {
      const values = shifts.map((shift) => shift[axis] + SIZE / 8);
      expect(values.every(Number.isInteger)).toBe(true);
      // The outermost places are half as wide as the others.
      const counts = tally(values, SIZE / 4 + 1);
      expect(unevenness(counts.slice(1, -1))).toBeLessThan(DEVIATION_LIMIT);
      expect(counts[0]! + counts.at(-1)!).toBeGreaterThan(0);
    }
  });

  it('uses the same number of random words at any probability', () => {
    const wordsAt = (p: number): number => {
      const rng = new Rng(1);
      drawGeometry({ blit: p, geometry: p }, SIZE, rng);
      return rng.state().drawn;
    };
    expect([wordsAt(0.5), wordsAt(1)]).toEqual([wordsAt(0), wordsAt(0)]);
  });
});

describe('the sampling matrix', () => {
  it('is exactly the identity without transforms', () => {
    expect(samplingMatrix(NONE, 17).map((value) => value + 0)).toEqual([1, 0, 0, 0, 1, 0]);
  });

  it.each<[string, Partial<Geometry>, Point, Point]>([
    ['a flip', { flip: true }, [3, 5], [SIZE - 4, 5]],
    ['a half turn', { quarterTurns: 2 }, [3, 5], [SIZE - 4, SIZE - 6]],
    ['a shift', { shift: [4, -2] }, [10, 10], [6, 12]],
    ['a drift', { drift: [0.5, -2.25] }, [10, 10], [9.5, 12.25]],
    ['twice the size', { scale: 2 }, [31.5 + 8, 31.5 - 4], [31.5 + 4, 31.5 - 2]],
    ['twice as wide, half as high', { stretch: 2 }, [31.5 + 8, 31.5 - 4], [31.5 + 4, 31.5 - 8]],
  ])('of %s maps a pixel to its source', (_, geometry, pixel, expected) => {
    const source = sourceOf(geometry, pixel);
    expect(source[0]).toBeCloseTo(expected[0], 9);
    expect(source[1]).toBeCloseTo(expected[1], 9);
  });

  it('keeps quarter turns on whole pixels, and four of them do nothing', () => {
    for (const [x, y] of [
      [3, 5],
      [0, 63],
    ] as Point[]) {
      const once = sourceOf({ quarterTurns: 1 }, [x, y]);
      expect(once.every(Number.isInteger)).toBe(true);
      const again = (point: Point): Point => sourceOf({ quarterTurns: 1 }, point);
      expect(again(again(again(once)))).toEqual([x, y]);
      expect(again(once)).toEqual(sourceOf({ quarterTurns: 2 }, [x, y]));
      expect(sourceOf({ quarterTurns: 3 }, once)).toEqual([x, y]);
    }
  });

  it('inverts all transforms in reverse order', () => {
    const rng = new Rng(4);
    for (let i = 0; i < 50; i++) {
      const geometry = drawGeometry({ blit: 1, geometry: 1 }, SIZE, rng);
      const point: Point = [rng.uniform(0, SIZE), rng.uniform(0, SIZE)];
      const centre = (SIZE - 1) / 2;
      let [x, y] = [point[0] - centre, point[1] - centre];
      const turn = (angle: number): void => {
        [x, y] = [Math.cos(angle) * x - Math.sin(angle) * y, Math.sin(angle) * x + Math.cos(angle) * y];
      };
      if (geometry.flip) x = -x;
      turn((geometry.quarterTurns * Math.PI) / 2);
      x += geometry.shift[0];
      y += geometry.shift[1];
      x *= geometry.scale;
      y *= geometry.scale;
      turn(geometry.rotationBefore);
      x *= geometry.stretch;
      y /= geometry.stretch;
      turn(geometry.rotationAfter);
      x += geometry.drift[0];
      y += geometry.drift[1];
      const [backX, backY] = sourceOf(geometry, [x + centre, y + centre]);
      expect(backX).toBeCloseTo(point[0], 8);
      expect(backY).toBeCloseTo(point[1], 8);
    }
  });
});
