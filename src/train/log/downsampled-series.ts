import type { Point } from '../../report/series.js';

/** Points of a course as it is kept: twice as many spans as a chart has room for, so that its own thinning comes after. */
const MAX_SPANS = 1024;

/** Neighbouring points: the smallest, the largest, and what their mean needs. */
interface Span {
  low: Point;
  high: Point;
  count: number;
  sum: number;
  /** The step in the middle. */
  step: number;
}

/**
 * Values over a training of any length in bounded memory: where there are too many, neighbours become one span, which
 * keeps their extremes, so that no spike is lost, and their mean. Values that are not finite are kept one by one: a
 * training that meets one stops.
 */
export class DownsampledSeries {
  private spans: Span[] = [];
  /** Points that a whole span holds. */
  private width = 1;
  private last: Point | undefined;
  private readonly notFinite: Point[] = [];

  /** Adds a point; those of a run come in the order of their steps. */
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

  /** The points in order: all of them, or of longer courses the extremes of each span, and the newest one. */
  points(): Point[] {
    const points = this.spans.flatMap(({ low, high }) => {
      if (low === high) return [low];
      return low.step < high.step ? [low, high] : [high, low];
    });
    if (this.last !== undefined && points.at(-1) !== this.last) points.push(this.last);
    return [...points, ...this.notFinite].sort((a, b) => a.step - b.step);
  }

  /** The mean of each span, at the step in its middle; the points themselves where there are no longer spans. */
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
