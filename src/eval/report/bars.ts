// Bar charts that compare the methods by one figure.
import { type Axis, formatTick, linearAxis, positionOn, valueAxis } from '../../report/axis.js';
import { escapeHtml } from '../../report/html.js';
import { formatNumber } from '../../report/numbers.js';
import { AIMS, type FigureColumn, formatValue } from './figure-table.js';

/** Minimum share of the axis below zero from which that part gets a number. */
const MIN_NEGATIVE = 0.15;

/** One bar. */
export interface BarEntry {
  name: string;
  kind: 'model' | 'folder' | 'baseline' | 'published';
  value: number;
  deviation: number | null;
  interval: readonly [number, number] | null;
}

/**
 * Draws a figure of several methods as horizontal bars, the best first: lengths from zero, or dots on a logarithmic
 * axis if the values span decades. The line on a bar is the interval, or the deviation if there is no interval.
 */
export function barChart(column: FigureColumn, entries: readonly BarEntry[]): string {
  const { title, better, decimals } = column;
  const drawn = entries.filter(({ value }) => Number.isFinite(value));
  const axis = barAxis(drawn, better);
  const { words, arrow } = AIMS[better];
  const scale = `${arrow} ${words}${axis?.isLog ? ', logarithmic' : ''}`;
  const deviations = entries.map(({ deviation }) => deviation);
  const rows = sorted(entries, better).map((entry) => {
    const track = axis && Number.isFinite(entry.value) ? trackOf(entry, axis) : '';
    return `<li class="${entry.kind}"><span class="name">${escapeHtml(entry.name)}</span><span class="track" aria-hidden="true">${track}</span><span class="value">${figureText(entry, decimals, deviations)}</span></li>`;
  });
  const ends = axis
    ? `<li class="ends" aria-hidden="true"><span></span><span class="scale">${labels(axis)}</span><span></span></li>`
    : '';
  return `<figure class="chart"><figcaption><h3>${escapeHtml(title)}</h3><span class="scale">${scale.trim()}</span></figcaption><ul class="bars">${rows.join('')}${ends}</ul></figure>`;
}

/** The numbers below the bars: zero and the end, or both ends of a logarithmic axis. */
function labels(axis: Axis): string {
  const { isLog, low, high } = axis;
  const isNegative = !isLog && -low > MIN_NEGATIVE * (high - low);
  const shown = isLog || isNegative ? [low, ...(isLog ? [] : [0]), high] : [0, high];
  return [...new Set(shown)]
    .map(
      (value) =>
        `<span style="left:${percent(positionOn(axis, value))}">${isLog ? formatNumber(value) : formatTick(value, axis)}</span>`,
    )
    .join('');
}

const percent = (share: number) => `${Math.round(share * 10_000) / 100}%`;

/** Sorts the best first and values that are not finite last. If neither end is better, the order stays. */
function sorted(entries: readonly BarEntry[], better: FigureColumn['better']): BarEntry[] {
  if (better === 'neither') return [...entries];
  const sign = better === 'lower' ? 1 : -1;
  const rank = ({ value }: BarEntry) => (Number.isFinite(value) ? sign * value : Number.POSITIVE_INFINITY);
  return entries.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}

/** The ends of the line on a bar. */
function spreadOf({ value, deviation, interval }: BarEntry): readonly [number, number] {
  const ends = interval ?? [value - (deviation ?? 0), value + (deviation ?? 0)];
  return ends.every(Number.isFinite) ? ends : [value, value];
}

/** An axis from zero. It is logarithmic only if lower is better, since small values matter only then. */
function barAxis(entries: readonly BarEntry[], better: FigureColumn['better']): Axis | undefined {
  if (entries.length === 0) return undefined;
  const byValue = valueAxis(entries.map(({ value }) => value));
  const ends = entries.flatMap((entry) => [entry.value, ...spreadOf(entry)]);
  if (byValue.isLog && better === 'lower') return valueAxis(ends.filter((end) => end > byValue.low / 10));
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const axis = linearAxis(low, high > low ? high : low + 1);
  // An end without bars need not be a round number: a KID slightly below 0 would leave a gap.
  return -low < MIN_NEGATIVE * (high - low) ? { ...axis, low } : axis;
}

function trackOf(entry: BarEntry, axis: Axis): string {
  const at = (value: number) => {
    const inside = Math.min(axis.high, Math.max(axis.low, value));
    return Math.round(positionOn(axis, inside) * 10_000) / 100;
  };
  const [from, to] = spreadOf(entry);
  const whisker =
    to > from ? `<u style="left:${at(from)}%;width:${(at(to) - at(from)).toFixed(2)}%"></u>` : '';
  const end = at(entry.value);
  if (axis.isLog) return `<i class="dot" style="left:${end}%"></i>${whisker}`;
  const zero = at(0);
  const bar = `<i style="left:${Math.min(zero, end)}%;width:${Math.abs(end - zero).toFixed(2)}%"></i>`;
  return `${bar}${whisker}${zero > 0 ? `<u class="zero" style="left:${zero}%"></u>` : ''}`;
}

/** A value with its deviation. A value without one gets the space of the others', so that all values align. */
export function figureText(
  { value, deviation }: Pick<BarEntry, 'value' | 'deviation'>,
  decimals: number,
  others: readonly (number | null)[],
): string {
  const text = (number: number) => ` ± ${formatValue(number, decimals)}`;
  if (deviation !== null) return formatValue(value, decimals) + text(deviation);
  const longest = others
    .flatMap((other) => (other === null ? [] : [text(other)]))
    .reduce((most, other) => (other.length > most.length ? other : most), '');
  const room = longest === '' ? '' : `<span class="room" aria-hidden="true">${longest}</span>`;
  return formatValue(value, decimals) + room;
}
