// Statistical tests of random numbers.

/** Cumulative distribution of a uniform number. */
export const uniformCdf =
  (low: number, high: number) =>
  (x: number): number =>
    Math.min(1, Math.max(0, (x - low) / (high - low)));

/** Cumulative distribution of a normal number of mean 0 (Abramowitz and Stegun 7.1.26, exact to 2e-7). */
export const normalCdf =
  (deviation: number) =>
  (x: number): number => {
    const z = Math.abs(x) / (deviation * Math.SQRT2);
    const t = 1 / (1 + 0.3275911 * z);
    const tail =
      t *
      (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
      Math.exp(-z * z);
    return x >= 0 ? 1 - tail / 2 : tail / 2;
  };

/**
 * Kolmogorov's statistic: the largest distance of the observed from the expected distribution, times the root of how many
 * there are. Above `KOLMOGOROV_LIMIT` in one of a thousand samples.
 */
export function kolmogorov(values: readonly number[], cdf: (x: number) => number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const distances = sorted.map((value, i) => {
    const expected = cdf(value);
    return Math.max(Math.abs(expected - i / sorted.length), Math.abs(expected - (i + 1) / sorted.length));
  });
  return Math.sqrt(sorted.length) * Math.max(...distances);
}
export const KOLMOGOROV_LIMIT = 1.95;

/**
 * Chi-square of counts that should be even, as deviations above its mean (Wilson and Hilferty's cube root). Above
 * `DEVIATION_LIMIT` in one of a thousand samples.
 */
export function unevenness(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  const chiSquare = counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0);
  const spread = 2 / (9 * (counts.length - 1));
  return (Math.cbrt(chiSquare / (counts.length - 1)) - (1 - spread)) / Math.sqrt(spread);
}

/** The difference between a frequency and a probability, in standard deviations. */
export function deviationFrom(probability: number, hits: number, trials: number): number {
  return Math.abs(hits - probability * trials) / Math.sqrt(trials * probability * (1 - probability));
}
/** Limit of a standard normal number: one of a thousand samples is beyond it, in either direction. */
export const DEVIATION_LIMIT = 3.3;

/** The number of occurrences of each of `0 .. count - 1`. */
export function tally(values: readonly number[], count: number): number[] {
  const counts = Array<number>(count).fill(0);
  for (const value of values) counts[value]!++;
  return counts;
}

/** Correlation of two lists. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (x: readonly number[]): number => x.reduce((total, value) => total + value, 0) / x.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], mx: number, y: readonly number[], my: number): number =>
    x.reduce((total, value, i) => total + (value - mx) * (y[i]! - my), 0);
  return product(a, meanA, b, meanB) / Math.sqrt(product(a, meanA, a, meanA) * product(b, meanB, b, meanB));
}
