// The figures of all methods as columns, and their formatting, for pages and terminals.
import { formatNumber } from '../../report/numbers.js';
import type { Figure, MethodResult } from '../receipt.js';

/** Significant digits of a column's median value if it is below 1; larger values get two decimals, as in papers. */
const DIGITS = 3;
const MAX_DECIMALS = 6;
/** Size from which a number is written with a power of ten. */
const MAX_PLAIN = 1e7;

/** One figure of all methods. */
export interface FigureColumn {
  metric: string;
  key: string;
  title: string;
  better: Figure['better'];
  /** A cell for each method, in their order; undefined if the method lacks the figure. */
  cells: (Figure | undefined)[];
  /** Indices of the best methods. */
  best: ReadonlySet<number>;
  decimals: number;
}

/** Returns a column for each key of the methods' figures, in the order of their first appearance. */
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
 * Indices of the best of the models and folders. Baselines do not compete: one half of the real images is nearer to the
 * other half than any translation. A single competitor is not marked.
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
  const top = Math.min(...competing.map(({ value }) => sign * value));
  return new Set(competing.filter(({ value }) => sign * value === top).map(({ index }) => index));
}

/** Decimals for all values of a column, such that its median value gets its digits. */
export function decimalsFor(values: readonly number[]): number {
  const sizes = values
    .map(Math.abs)
    .filter((size) => size > 0 && Number.isFinite(size))
    .sort((a, b) => a - b);
  const middle = sizes[Math.floor(sizes.length / 2)];
  if (middle === undefined) return 0;
  const power = Math.floor(Math.log10(middle));
  return power < 0 ? Math.min(MAX_DECIMALS, DIGITS - 1 - power) : Math.max(0, Math.min(2, 4 - power));
}

/** Formats a value with a fixed number of decimals; with a power of ten if it would become 0 or too long. */
export function formatValue(value: number, decimals: number): string {
  const size = Math.abs(value);
  const isTiny = value !== 0 && size < 0.5 * 10 ** -decimals;
  if (!Number.isFinite(value) || size >= MAX_PLAIN || (isTiny && decimals === MAX_DECIMALS))
    return formatNumber(value);
  const text = value.toFixed(decimals);
  return isTiny ? text.replace('-', '') : text.replace('-', '−');
}

/** `45.23 ± 0.31`, or only the value if there is no deviation. */
export function formatFigure({ value, deviation }: Pick<Figure, 'value' | 'deviation'>, decimals: number) {
  const text = formatValue(value, decimals);
  return deviation === null ? text : `${text} ± ${formatValue(deviation, decimals)}`;
}

/** `[44.90, 45.60]`, or undefined. */
export function formatInterval({ interval }: Figure, decimals: number): string | undefined {
  if (interval === null) return undefined;
  return `[${interval.map((end) => formatValue(end, decimals)).join(', ')}]`;
}

/** `1000 generated, 100 real`: counts by the receipt's names. @param only the names to include. */
export function formatCounts(n: Figure['n'], only?: ReadonlySet<string>): string {
  return Object.entries(n)
    .filter(([name]) => only?.has(name) ?? true)
    .map(([name, count]) => `${formatCount(count)} ${name}`)
    .join(', ');
}

/** A count with narrow spaces between thousands: 50 000. */
export function formatCount(count: number): string {
  return Number.isInteger(count) && count >= 10_000
    ? String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f')
    : formatNumber(count, 7);
}

/** Splits a column's counts into those that all methods share, and the names of those that differ. */
export function countsOf({ cells }: FigureColumn): { shared: Figure['n']; differing: ReadonlySet<string> } {
  const counts = cells.flatMap((cell) => (cell ? [cell.n] : []));
  const names = new Set(counts.flatMap((n) => Object.keys(n)));
  const isShared = (name: string) => counts.every((n) => n[name] === counts[0]![name]);
  return {
    shared: Object.fromEntries([...names].filter(isShared).map((name) => [name, counts[0]![name]!])),
    differing: new Set([...names].filter((name) => !isShared(name))),
  };
}

/** Groups what could not be measured by metric and reason, with the methods concerned. */
export function unmeasuredByReason(
  methods: readonly MethodResult[],
): { metric: string; why: string; names: string[] }[] {
  const byReason = new Map<string, { metric: string; why: string; names: string[] }>();
  for (const { name, left } of methods)
    for (const { metric, why } of left) {
      const key = JSON.stringify([metric, why]);
      const entry = byReason.get(key) ?? { metric, why, names: [] };
      entry.names.push(name);
      byReason.set(key, entry);
    }
  return [...byReason.values()];
}

/** What a column's deviations are over: `repeats`, `subsets` or both; undefined if there are none. */
export function deviationOver({ cells }: FigureColumn): string | undefined {
  const over = new Set(cells.flatMap((cell) => (cell?.deviation != null && cell.over ? [cell.over] : [])));
  return over.size === 0 ? undefined : [...over].join(' or ');
}

export const AIMS: Record<Figure['better'], { words: string; arrow: string }> = {
  lower: { words: 'lower is better', arrow: '↓' },
  higher: { words: 'higher is better', arrow: '↑' },
  neither: { words: 'neither end is better', arrow: '' },
};
