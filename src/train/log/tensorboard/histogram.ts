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

/**
 * Counts numbers that are too many to be held at once: hand all of them to `measure`, then all of them again to `count`.
 * Numbers that are not finite are left out; without any others there are no buckets.
 */
export class HistogramBuilder {
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;
  private numbers = 0;
  private sum = 0;
  private sumOfSquares = 0;
  private readonly counts: number[];

  constructor(buckets = BUCKETS) {
    this.counts = Array<number>(buckets).fill(0);
  }

  measure(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) continue;
      if (value < this.min) this.min = value;
      if (value > this.max) this.max = value;
      this.numbers++;
      this.sum += value;
      this.sumOfSquares += value * value;
    }
  }

  count(values: Float32Array): void {
    const { counts, min } = this;
    const last = counts.length - 1;
    const width = this.width();
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      // The largest number belongs to the last bucket.
      if (Number.isFinite(value)) counts[Math.min(last, Math.floor((value - min) / width))]!++;
    }
  }

  /** Call once all is counted. */
  finish(): Histogram {
    const { min, max, numbers: count, sum, sumOfSquares, counts } = this;
    const width = this.width();
    if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [], counts: [] };
    if (min === max) return { min, max, count, sum, sumOfSquares, limits: [max], counts: [count] };
    const last = counts.length - 1;
    const limits = counts.map((_, i) => (i === last ? max : min + (i + 1) * width));
    return { min, max, count, sum, sumOfSquares, limits, counts };
  }

  private width(): number {
    return (this.max - this.min) / this.counts.length;
  }
}
