/** Twice what TensorBoard's page draws: it spreads the buckets over 30 of its own, the same for all steps of a tag. */
const BUCKETS = 60;

/** Numbers in buckets of equal width; a bucket reaches from the limit before it (the first: from `min`) to its own. */
export interface Histogram {
  min: number;
  max: number;
  /** How many numbers are in it. */
  count: number;
  sum: number;
  sumOfSquares: number;
  /** The right edges, in order; the last is `max`. */
  limits: number[];
  counts: number[];
}

/** The histogram of all numbers of some vectors; numbers that are not finite are left out. Without any, no buckets. */
export function histogramOf(vectors: readonly Float32Array[], buckets = BUCKETS): Histogram {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [count, sum, sumOfSquares] = [0, 0, 0];
  for (const vector of vectors) {
    for (let i = 0; i < vector.length; i++) {
      const value = vector[i]!;
      if (!Number.isFinite(value)) continue;
      if (value < min) min = value;
      if (value > max) max = value;
      count++;
      sum += value;
      sumOfSquares += value * value;
    }
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [], counts: [] };
  if (min === max) return { min, max, count, sum, sumOfSquares, limits: [max], counts: [count] };
  const width = (max - min) / buckets;
  const limits = Array.from({ length: buckets }, (_, i) => (i === buckets - 1 ? max : min + (i + 1) * width));
  return { min, max, count, sum, sumOfSquares, limits, counts: countInto(vectors, min, width, buckets) };
}

function countInto(vectors: readonly Float32Array[], min: number, width: number, buckets: number): number[] {
  const counts = Array<number>(buckets).fill(0);
  for (const vector of vectors) {
    for (let i = 0; i < vector.length; i++) {
      const value = vector[i]!;
      // The largest number belongs to the last bucket.
      if (Number.isFinite(value)) counts[Math.min(buckets - 1, Math.floor((value - min) / width))]!++;
    }
  }
  return counts;
}
