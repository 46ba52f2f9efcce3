import { describe, expect, it } from 'vitest';
import { repeatsOf, studentQuantile } from '../../../src/eval/statistics/interval.js';

describe('studentQuantile', () => {
  // scipy.stats.t.ppf of scipy 1.17.1 at .9, .975 and .9995.
  it.each([
    [1, [3.0776835371752544, 12.706204736174694, 636.6192487687897]],
    [2, [1.8856180831641272, 4.302652729749462, 31.599054576445365]],
    [5, [1.4758840488244815, 2.5705818356363146, 6.868826625881276]],
    [10, [1.372183641110336, 2.228138851986274, 4.586893858702708]],
    [30, [1.3104150253913955, 2.0422724563012378, 3.6459586350420627]],
    [200, [1.2857987939948012, 1.9718962236339088, 3.3398354062757107]],
  ])('equals the values of scipy for %i degrees of freedom', (degrees, expected) => {
    [0.9, 0.975, 0.9995].forEach((probability, i) => {
      const value = studentQuantile(probability, degrees);
      expect(Math.abs(value / expected[i]! - 1), String(probability)).toBeLessThan(1e-11);
    });
  });

  it('is an odd function, and approaches the normal distribution', () => {
    expect(studentQuantile(0.5, 4)).toBeCloseTo(0, 15);
    expect(studentQuantile(0.025, 4)).toBeCloseTo(-studentQuantile(0.975, 4), 12);
    expect(studentQuantile(0.975, 1_000_000)).toBeCloseTo(1.95996, 4);
  });

  it('rejects invalid probabilities and degrees of freedom', () => {
    for (const probability of [0, 1, Number.NaN])
      expect(() => studentQuantile(probability, 3)).toThrow(RangeError);
    for (const degrees of [0, 1.5, Number.NaN])
      expect(() => studentQuantile(0.9, degrees)).toThrow(RangeError);
  });
});

describe('repeatsOf', () => {
  it('gives mean, sample deviation and the interval of the mean', () => {
    const { mean, deviation, interval } = repeatsOf([1, 2, 4]);
    expect(mean).toBeCloseTo(7 / 3, 14);
    expect(deviation).toBeCloseTo(Math.sqrt(7 / 3), 14);
    // scipy.stats.t.interval(.95, 2, mean, sem) of scipy 1.17.1.
    expect(interval![0]).toBeCloseTo(-1.461249700263426, 12);
    expect(interval![1]).toBeCloseTo(6.1279163669300925, 12);
  });

  it('gives no deviation for a single value, and 0 for equal values', () => {
    expect(repeatsOf([0.3])).toEqual({ mean: 0.3, deviation: null, interval: null });
    expect(repeatsOf([0.1, 0.1, 0.1])).toEqual({ mean: 0.1, deviation: 0, interval: [0.1, 0.1] });
    expect(() => repeatsOf([])).toThrow(RangeError);
  });
});
