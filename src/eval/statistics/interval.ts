// Mean, deviation and confidence interval of repeated measurements.
const CONFIDENCE = 0.95;

/** Summary of the repeated values of a figure. */
export interface Repeats {
  mean: number;
  /** Standard deviation of the values (divisor n - 1); null for a single value. */
  deviation: number | null;
  /** 95 % confidence interval of the mean by Student's t; null for a single value. */
  interval: [number, number] | null;
}

/**
 * Probability of Student's distribution between -t and t, for `t = tan(angle) * sqrt(degrees)`: the finite sums for
 * whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4).
 */
function studentShare(angle: number, degrees: number): number {
  const cosine = Math.cos(angle);
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let i = isOdd ? 3 : 2; i < degrees; i += 2) {
    term *= (cosine * cosine * (i - 1)) / i;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/**
 * Quantile of Student's distribution.
 * @throws RangeError for a probability outside of (0, 1), or degrees of freedom that are not whole and positive.
 */
export function studentQuantile(probability: number, degrees: number): number {
  if (!(probability > 0 && probability < 1))
    throw new RangeError(`a probability must be between 0 and 1, not ${probability}`);
  if (!(Number.isSafeInteger(degrees) && degrees >= 1))
    throw new RangeError(`degrees of freedom must be a whole number above 0, not ${degrees}`);
  if (probability < 0.5) return -studentQuantile(1 - probability, degrees);
  const share = 2 * probability - 1;
  let low = 0;
  let high = Math.PI / 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return Math.sqrt(degrees) * Math.tan(low);
    if (studentShare(middle, degrees) < share) low = middle;
    else high = middle;
  }
}

/** Mean, deviation and confidence interval of the values of repeats. @throws RangeError for none. */
export function repeatsOf(values: readonly number[]): Repeats {
  const count = values.length;
  if (count === 0) throw new RangeError('a mean needs at least one value');
  // Sums of differences, so that the deviation of equal values is exactly 0.
  const first = values[0]!;
  const mean = first + values.reduce((sum, value) => sum + (value - first), 0) / count;
  if (count === 1) return { mean, deviation: null, interval: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  const reach = (studentQuantile((1 + CONFIDENCE) / 2, count - 1) * deviation) / Math.sqrt(count);
  return { mean, deviation, interval: [mean - reach, mean + reach] };
}
