// Series of values over a run of any length, in bounded memory.
import type { Point } from '../../report/series.js';

/** Maximum number of spans: twice what a chart has room for, so that the chart itself thins further. */
const MAX_SPANS = 1024;

/** Neighbouring points: the lowest, the highest, and the sum and count for their mean. */
interface Span {
  low: Point;
  high: Point;
  count: number;
  sum: number;
  /** The mean of their steps, rounded. */
  step: number;
}

/**
 * Values over a run of any length in bounded memory: if there are too many, neighbours are merged into a span that keeps
 * their mean and their extremes, so that no spike is lost. Values that are not finite are kept one by one, because
 * training stops at the first.
 */
export class DownsampledSeries {
  private spans: Span[] = [];
  /** Number of points in a full span. */
  private width = 1;
  private last: Point | undefined;
  private readonly notFinite: Point[] = [];

  /** Adds a point; points must come in the order of their steps. */
  add(point: Point): void {
    if (!Number.isFinite(point.value)) {
      this.notFinite.push(point);
      return;
    }
    this.last = point;
    const single = { low: point, high: point, count: 1, sum: point.value, step: point.step };
    const open = this.spans.at(-1);
    if (open !== undefined && open.count < this.width) {
      this.spans[this.spans.length - 1] = joined(open, single);
      return;
    }
    if (this.spans.length === MAX_SPANS) this.halve();
    this.spans.push(single);
  }

  /** The points in order: all of them, or for a long series the extremes of each span and the newest point. */
  points(): Point[] {
    const points = this.spans.flatMap(({ low, high }) => {
      if (low === high) return [low];
      return low.step < high.step ? [low, high] : [high, low];
    });
    if (this.last !== undefined && points.at(-1) !== this.last) points.push(this.last);
    return [...points, ...this.notFinite].sort((a, b) => a.step - b.step);
  }

  /** The mean of each span at its mean step; for a short series the points themselves. */
  means(): Point[] {
    return this.spans.map(({ step, sum, count }) => ({ step, value: sum / count }));
  }

  private halve(): void {
    const half: Span[] = [];
    for (let i = 0; i < this.spans.length; i += 2) half.push(joined(this.spans[i]!, this.spans[i + 1]!));
    this.spans = half;
    this.width *= 2;
  }
}

function joined(left: Span, right: Span): Span {
  const count = left.count + right.count;
  return {
    low: right.low.value < left.low.value ? right.low : left.low,
    high: right.high.value > left.high.value ? right.high : left.high,
    count,
    sum: left.sum + right.sum,
    step: Math.round((left.step * left.count + right.step * right.count) / count),
  };
}
