// Axes of charts: ranges, ticks, positions.
import { formatNumber } from './numbers.js';

/** Positive values whose largest and smallest have at least this ratio get a logarithmic axis. */
const LOG_RATIO = 50;

export interface Axis {
  isLog: boolean;
  low: number;
  high: number;
  ticks: number[];
}

/** The position of a value: 0 at the low end of the axis, 1 at the high end. */
export function positionOn({ isLog, low, high }: Axis, value: number): number {
  return isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** The axis of steps, from 0 (or a smaller first step) to the last. */
export function stepAxis(first: number, last: number): Axis {
  const low = Math.min(0, first);
  const end = last > low ? last : low + 1;
  return { isLog: false, low, high: end, ticks: niceTicks(low, end, 5).filter(Number.isInteger) };
}

/** The axis for all values: from 0 if that is near, logarithmic if they span decades. */
export function valueAxis(values: readonly number[]): Axis {
  const [low, high] = values.reduce(([min, max], value) => [Math.min(min, value), Math.max(max, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
  if (low > 0 && high / low >= LOG_RATIO) return logAxis(low, high);
  const room = high > low ? high - low : Math.abs(high) || 1;
  const from = low >= 0 && (low < high * 0.6 || low === high) ? 0 : low - room * 0.05;
  return linearAxis(from, high > from ? high : from + room);
}

/** An axis that ends at the ticks around two values. */
export function linearAxis(low: number, high: number): Axis {
  const step = niceStep(high - low, 5);
  const start = Math.floor(low / step + 1e-9) * step;
  const end = Math.ceil(high / step - 1e-9) * step;
  const top = end > start ? end : start + step;
  return { isLog: false, low: start, high: top, ticks: niceTicks(start, top, 5) };
}

function logAxis(low: number, high: number): Axis {
  const ticks: number[] = [];
  const decades = Math.log10(high / low);
  const factors = decades <= 3 ? [1, 3] : [1];
  const stride = Math.max(1, Math.ceil(decades / 6));
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += stride) {
    for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
  }
  // The axis ends at the ticks around the values.
  const start = ticks.findLast((tick) => tick <= low) ?? low;
  const end = ticks.find((tick) => tick >= high) ?? high;
  return { isLog: true, low: start, high: end, ticks: ticks.filter((tick) => tick >= start && tick <= end) };
}

/** 1, 2 or 5 times a power of ten, so that about `count` such steps cover `span`. */
function niceStep(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

function niceTicks(low: number, high: number, count: number): number[] {
  const step = niceStep(high - low, count);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** A tick's number, with enough digits to differ from its neighbours. */
export function formatTick(value: number, { isLog, ticks }: Axis): string {
  const stride = Math.abs((ticks[1] ?? value) - (ticks[0] ?? value));
  if (isLog || stride === 0) return formatNumber(value);
  return formatNumber(
    value,
    Math.max(3, Math.min(12, Math.ceil(Math.log10(Math.abs(value || 1) / stride)) + 1)),
  );
}
