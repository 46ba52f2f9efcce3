import { describe, expect, it } from 'vitest';
import { type Colour, colourMatrix, drawColour } from '../../../src/augment/adaptive/colour.js';
import { Rng } from '../../../src/base/rng.js';
import {
  DEVIATION_LIMIT,
  deviationFrom,
  KOLMOGOROV_LIMIT,
  kolmogorov,
  normalCdf,
  uniformCdf,
} from '../../support/statistics.js';

const NONE: Colour = { brightness: 0, contrast: 1, lumaFlip: false, hue: 0, saturation: 1 };
const RED = [0.9, -0.2, -0.5];

function changed(change: Partial<Colour>, colour: readonly number[]): number[] {
  return colourMatrix({ ...NONE, ...change }).map(
    ([r, g, b, offset]) => r * colour[0]! + g * colour[1]! + b * colour[2]! + offset,
  );
}
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 9);
  });
}
const mean = (colour: readonly number[]): number => (colour[0]! + colour[1]! + colour[2]!) / 3;
const distanceFromGrey = (colour: readonly number[]): number =>
  Math.hypot(...colour.map((value) => value - mean(colour)));

describe('drawn colours', () => {
  const DRAWS = 4000;
  const P = 0.6;
  const drawn = (p: number, count = DRAWS): Colour[] => {
    const rng = new Rng(1, 'colour');
    return Array.from({ length: count }, () => drawColour(p, rng));
  };
  const draws = drawn(P);

  it('are the identity at probability 0', () => {
    expect(drawn(0, 50)).toEqual(Array(50).fill(NONE));
  });

  it.each<[keyof Colour, number]>([
    ['brightness', P],
    ['contrast', P],
    ['lumaFlip', P / 2],
    ['hue', P],
    ['saturation', P],
  ])('%s occurs with its probability', (name, probability) => {
    const hits = draws.filter((draw) => draw[name] !== NONE[name]).length;
    expect(deviationFrom(probability, hits, DRAWS)).toBeLessThan(DEVIATION_LIMIT);
  });

  it('have the distributions of the paper', () => {
    const taken = (name: 'brightness' | 'contrast' | 'hue' | 'saturation'): number[] =>
      draws.map((draw) => draw[name]).filter((value) => value !== NONE[name]);
    const fits: [number[], (x: number) => number][] = [
      [taken('brightness'), normalCdf(0.2)],
      [taken('contrast').map(Math.log2), normalCdf(0.5)],
      [taken('hue'), uniformCdf(-Math.PI, Math.PI)],
      [taken('saturation').map(Math.log2), normalCdf(1)],
    ];
    for (const [values, cdf] of fits) expect(kolmogorov(values, cdf)).toBeLessThan(KOLMOGOROV_LIMIT);
  });

  it('use the same number of random words at any probability', () => {
    const wordsAt = (p: number): number => {
      const rng = new Rng(1);
      drawColour(p, rng);
      return rng.state().drawn;
    };
    expect([wordsAt(0.5), wordsAt(1)]).toEqual([wordsAt(0), wordsAt(0)]);
  });
});

describe('the colour matrix', () => {
  it('is exactly the identity without transforms', () => {
    expect(colourMatrix(NONE).map((row) => row.map((value) => value + 0))).toEqual([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ]);
  });

  it('brightens, then raises the contrast', () => {
    expectClose(
      changed({ brightness: 0.25, contrast: 2 }, RED),
      RED.map((value) => 2 * (value + 0.25)),
    );
  });

  it('of a luma flip inverts lightness, keeps hue and saturation, and is its own inverse', () => {
    const flipped = changed({ lumaFlip: true }, RED);
    expect(mean(flipped)).toBeCloseTo(-mean(RED), 9);
    expectClose(
      flipped.map((value) => value - mean(flipped)),
      RED.map((value) => value - mean(RED)),
    );
    expectClose(changed({ lumaFlip: true }, flipped), RED);
  });

  it('of a hue rotation by a third of a turn permutes the channels, and by a whole turn does nothing', () => {
    const [r, g, b] = RED as [number, number, number];
    expectClose(changed({ hue: (2 * Math.PI) / 3 }, RED), [b, r, g]);
    expectClose(changed({ hue: 2 * Math.PI }, RED), RED);
    const some = changed({ hue: 1 }, RED);
    expect(distanceFromGrey(some)).toBeCloseTo(distanceFromGrey(RED), 9);
    expectClose(changed({ hue: -1 }, some), RED);
  });

  it('of a saturation change scales the distance from grey', () => {
    const saturated = changed({ saturation: 2.5 }, RED);
    expect(mean(saturated)).toBeCloseTo(mean(RED), 9);
    expect(distanceFromGrey(saturated)).toBeCloseTo(2.5 * distanceFromGrey(RED), 9);
    expectClose(changed({ saturation: 0 }, RED), [mean(RED), mean(RED), mean(RED)]);
  });

  it('keeps grey grey', () => {
    const grey = [0.3, 0.3, 0.3];
    expectClose(changed({ saturation: 3, hue: 2 }, grey), grey);
    expectClose(
      changed({ saturation: 3, hue: 2, lumaFlip: true }, grey),
      grey.map((value) => -value),
    );
  });

  it('applies all transforms in their order', () => {
    const all: Colour = { brightness: 0.1, contrast: 0.7, lumaFlip: true, hue: 0.9, saturation: 1.6 };
    const names = Object.keys(all) as (keyof Colour)[];
    const stepwise = names.reduce((colour, name) => changed({ [name]: all[name] }, colour), RED);
    expectClose(changed(all, RED), stepwise);
  });
});
