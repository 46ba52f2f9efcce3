// Histograms of numbers that are too many to be held at once.
/** Twice the number that TensorBoard draws: it maps these buckets to 30 of its own, the same for all steps of a tag. */
const BUCKETS = 60;

/** Numbers in buckets of equal width. A bucket reaches from the previous limit (the first: from `min`) to its own. */
export interface Histogram {
  min: number;
  max: number;
  /** Number of values. */
  count: number;
  sum: number;
  sumOfSquares: number;
  /** The right edges, in order; the last is `max`. */
  limits: number[];
  counts: number[];
}

/**
 * Builds a histogram in two passes: give all numbers to `measure`, then all of them again to `count`. Numbers that are not
 * finite are ignored; if there are no others, the histogram has no buckets.
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

  /** Call after all numbers are counted. */
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
