// Series of values over training steps.
export interface Point {
  step: number;
  value: number;
}

/** A named curve of values over training. */
export interface Series {
  name: string;
  /** The chart of the curve: series of one group share their axes. */
  group: string;
  /** The values in order; of a long curve only those that stand out. */
  points: Point[];
  /** The curve of their mean, if `points` are not all values. */
  means?: Point[];
  /** The ends of the axis, if the values have a fixed range. */
  range?: readonly [low: number, high: number];
}
