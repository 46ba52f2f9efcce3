export interface Point {
  step: number;
  value: number;
}

/** A named course of values over the training. */
export interface Series {
  name: string;
  /** The chart that it belongs to: series of one group share their axes. */
  group: string;
  /** The values, or of a long course those that stand out, in order. */
  points: Point[];
  /** The course of their mean, where `points` are not all values. */
  means?: Point[];
  /** Ends of the axis, where the values have a range of their own. */
  range?: readonly [low: number, high: number];
}
