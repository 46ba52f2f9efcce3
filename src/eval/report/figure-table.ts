import { formatNumber } from '../../report/numbers.js';
import type { Figure, MethodResult } from '../receipt.js';

/** Significant digits of a column's middle value. */
const DIGITS = 4;
const MOST_DECIMALS = 6;
/** From here on a number is written with a power of ten. */
const LARGEST_PLAIN = 1e7;

/** One figure of all methods. */
export interface FigureColumn {
  metric: string;
  key: string;
  title: string;
  better: Figure['better'];
  /** A cell for each method, in their order; undefined where it has no such figure. */
  cells: (Figure | undefined)[];
  /** Positions of the methods that are best. */
  best: ReadonlySet<number>;
  decimals: number;
}

/** The figures of all methods, each key a column, in the order in which they first come. */
export function figureColumns(methods: readonly MethodResult[]): FigureColumn[] {
  const first = new Map<string, Figure>();
  for (const { figures } of methods)
    for (const figure of figures) if (!first.has(figure.key)) first.set(figure.key, figure);
  return [...first.values()].map(({ metric, key, title, better }) => {
    const cells = methods.map(({ figures }) => figures.find((figure) => figure.key === key));
    const decimals = decimalsFor(cells.flatMap((cell) => (cell ? [cell.value] : [])));
    return { metric, key, title, better, cells, best: bestOf(methods, cells, better), decimals };
  });
}

/**
 * Positions of the best of the methods that compete: models and folders. Baselines do not: a half of the real pictures is
 * nearer to the other half than any translation. Nobody is best alone.
 */
function bestOf(
  methods: readonly MethodResult[],
  cells: readonly (Figure | undefined)[],
  better: Figure['better'],
): Set<number> {
  const competing = cells.flatMap((cell, index) =>
    cell !== undefined && Number.isFinite(cell.value) && methods[index]!.kind !== 'baseline'
      ? [{ index, value: cell.value }]
      : [],
  );
  if (better === 'neither' || competing.length < 2) return new Set();
  const sign = better === 'lower' ? 1 : -1;
  const least = Math.min(...competing.map(({ value }) => sign * value));
  return new Set(competing.filter(({ value }) => sign * value === least).map(({ index }) => index));
}

/** Decimals that give the middle one of the values its digits, for all values of a column. */
export function decimalsFor(values: readonly number[]): number {
  const sizes = values
    .map(Math.abs)
    .filter((size) => size > 0 && Number.isFinite(size))
    .sort((a, b) => a - b);
  const middle = sizes[Math.floor(sizes.length / 2)];
  if (middle === undefined) return 0;
  return Math.min(MOST_DECIMALS, Math.max(0, DIGITS - 1 - Math.floor(Math.log10(middle))));
}

/** A value as text with so many decimals; one that they would make 0, or too long, with a power of ten. */
export function formatValue(value: number, decimals: number): string {
  const size = Math.abs(value);
  const isTiny = value !== 0 && size < 0.5 * 10 ** -decimals;
  if (!Number.isFinite(value) || size >= LARGEST_PLAIN || (isTiny && decimals === MOST_DECIMALS))
    return formatNumber(value);
  const text = value.toFixed(decimals);
  return isTiny ? text.replace('-', '') : text.replace('-', '−');
}

/** `45.23 ± 0.31`, or the value alone where there is no deviation. */
export function formatFigure({ value, deviation }: Pick<Figure, 'value' | 'deviation'>, decimals: number) {
  const text = formatValue(value, decimals);
  return deviation === null ? text : `${text} ± ${formatValue(deviation, decimals)}`;
}

/** `[44.90, 45.60]`, or undefined. */
export function formatInterval({ interval }: Figure, decimals: number): string | undefined {
  if (interval === null) return undefined;
  return `[${interval.map((end) => formatValue(end, decimals)).join(', ')}]`;
}

/** `1000 generated, 100 real`: what was counted, in the receipt's words. */
export function formatCounts(n: Figure['n']): string {
  return Object.entries(n)
    .map(([name, count]) => `${formatCount(count)} ${name}`)
    .join(', ');
}

/** A count with thin spaces between thousands: 50 000. */
export function formatCount(count: number): string {
  return Number.isInteger(count) && count >= 10_000
    ? String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f')
    : formatNumber(count, 7);
}

/** The counts of a column, where all of its methods have the same ones. */
export function sharedCounts({ cells }: FigureColumn): string | undefined {
  const texts = new Set(cells.flatMap((cell) => (cell ? [formatCounts(cell.n)] : [])));
  return texts.size === 1 ? [...texts][0] : undefined;
}

/** What the deviations of a column are over: `repeats`, `subsets` or both; undefined where there are none. */
export function deviationOver({ cells }: FigureColumn): string | undefined {
  const over = new Set(cells.flatMap((cell) => (cell?.deviation != null && cell.over ? [cell.over] : [])));
  return over.size === 0 ? undefined : [...over].join(' or ');
}

export const AIMS: Record<Figure['better'], { words: string; arrow: string }> = {
  lower: { words: 'lower is better', arrow: '↓' },
  higher: { words: 'higher is better', arrow: '↑' },
  neither: { words: 'neither end is better', arrow: '' },
};
