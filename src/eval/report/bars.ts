import { type Axis, formatTick, linearAxis, positionOn, valueAxis } from '../../report/axis.js';
import { escapeHtml } from '../../report/html.js';
import { formatNumber } from '../../report/numbers.js';
import { AIMS, type FigureColumn, formatFigure } from './figure-table.js';

/** A value to draw as a bar. */
export interface BarEntry {
  name: string;
  kind: 'model' | 'folder' | 'baseline' | 'published';
  value: number;
  deviation: number | null;
  interval: readonly [number, number] | null;
}

/**
 * A figure of several methods as horizontal bars, the best first: lengths from zero, or dots on a logarithmic axis where
 * the values span decades. The line on a bar is the interval, or the deviation where there is no interval.
 */
export function barChart(column: FigureColumn, entries: readonly BarEntry[]): string {
  const { title, better, decimals } = column;
  const drawn = entries.filter(({ value }) => Number.isFinite(value));
  const axis = barAxis(drawn);
  const { words, arrow } = AIMS[better];
  const scale = `${arrow} ${words}${axis?.isLog ? ', logarithmic' : ''}`;
  const rows = sorted(entries, better).map((entry) => {
    const track = axis && Number.isFinite(entry.value) ? trackOf(entry, axis) : '';
    return `<li class="${entry.kind}"><span class="name">${escapeHtml(entry.name)}</span><span class="track" aria-hidden="true">${track}</span><span class="value">${formatFigure(entry, decimals)}</span></li>`;
  });
  const ends = axis
    ? `<li class="ends" aria-hidden="true"><span></span><span class="value"><span>${tick(axis.low, axis)}</span><span>${tick(axis.high, axis)}</span></span><span></span></li>`
    : '';
  return `<figure class="chart"><figcaption><h3>${escapeHtml(title)}</h3><span class="scale">${scale.trim()}</span></figcaption><ul class="bars">${rows.join('')}${ends}</ul></figure>`;
}

function tick(value: number, axis: Axis): string {
  return axis.isLog ? formatNumber(value) : formatTick(value, axis);
}

/** The best first; what is not finite comes last. Where neither end is better, the order stays. */
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

function barAxis(entries: readonly BarEntry[]): Axis | undefined {
  if (entries.length === 0) return undefined;
  const byValue = valueAxis(entries.map(({ value }) => value));
  const ends = entries.flatMap((entry) => [entry.value, ...spreadOf(entry)]);
  if (byValue.isLog) return valueAxis(ends.filter((end) => end > byValue.low / 10));
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  return linearAxis(low, high > low ? high : low + 1);
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
