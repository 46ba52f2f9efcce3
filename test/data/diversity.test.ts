import { expect, test } from 'vitest';
import { setDiversity, styleDiversity } from '../../src/data/diversity.js';
import { flatImage } from '../support/images.js';

test('diversity is the mean distance over the pairs of an input, then over the inputs', () => {
  const [zero, half, one] = [flatImage(0, 0, 0), flatImage(0.5, 0.5, 0.5), flatImage(1, 1, 1)];
  expect(setDiversity([zero, half, one])).toBeCloseTo((0.5 + 0.5 + 1) / 3, 6);
  expect(setDiversity([half, half])).toBe(0);
  expect(
    styleDiversity([
      [zero, one],
      [half, half, half],
    ]),
  ).toBeCloseTo(0.5, 6);
  expect(() => setDiversity([one])).toThrow(RangeError);
  expect(() => styleDiversity([])).toThrow(RangeError);
  expect(() => setDiversity([one, flatImage(0, 0, 0, 4)])).toThrow('8x8');
});
