// The figures of an evaluation as a table for terminals.
import { type PublishedContext, type PublishedTable, publishedBeside } from '../published.js';
import type { MethodResult, Receipt } from '../receipt.js';
import { cautionsOf } from './cautions.js';
import {
  AIMS,
  countsOf,
  deviationOver,
  type FigureColumn,
  figureColumns,
  formatCounts,
  formatFigure,
  formatInterval,
  formatValue,
  unmeasuredByReason,
} from './figure-table.js';
import { cutTo, maxWidth, padTo, printable, wrapTo } from './terminal-text.js';

const GAP = '  ';
/** Maximum share of the line for names. */
const NAME_SHARE = 0.35;
const MIN_NAME = 8;
const BEST = '*';

/** Contents of the table in addition to the receipt. */
export interface TerminalTableOptions {
  /** Columns of the terminal. */
  width: number;
  /** Published figures; those of the same metric, dataset and protocol are listed below. */
  published?: readonly PublishedTable[];
  /** Name of the dataset, if the folder's name is another. */
  dataset?: string | undefined;
}

/** A figure's column as text. */
interface TextColumn {
  head: string;
  /** For each method the figure, and the interval below it; undefined if it has none. */
  cells: (readonly [string, string] | undefined)[];
  width: number;
}

/**
 * Formats the figures of all methods for a terminal: blocks of as many columns as fit, then legends, published figures,
 * metrics that were not measured, and cautions. No line is wider than the terminal.
 */
export function terminalTable(receipt: Receipt, options: TerminalTableOptions): string {
  const width = Math.max(1, Math.floor(options.width));
  const { methods } = receipt;
  const columns = figureColumns(methods);
  const published = publishedBeside(receipt, options.published ?? [], options.dataset);
  const names = methods.map(({ name }) => printable(name));
  const longest = maxWidth(['method', ...names]);
  const nameWidth = Math.min(longest, Math.max(MIN_NAME, Math.floor(width * NAME_SHARE)));
  const lines = [
    ...blocksOf(columns.map(textColumn), width - nameWidth).flatMap((block) => [
      ...blockLines(block, names, nameWidth, width),
      '',
    ]),
    ...legends(columns, methods).flatMap((text) => wrapTo(width, printable(text), GAP)),
    ...(columns.some(({ best }) => best.size > 0) ? wrapTo(width, `${BEST} best of the methods`) : []),
    ...(columns.length === 0 ? ['No figure was measured.'] : []),
    ...[...published.values()].flatMap((context) => publishedLines(context, columns, width)),
    ...list('Not measured', unmeasured(methods), width),
    ...list('Cautions', cautionsOf(receipt).map(printable), width),
  ];
  return lines.map((line) => line.trimEnd()).join('\n');
}

function textColumn(column: FigureColumn): TextColumn {
  const { title, better, cells, best, decimals } = column;
  const head = `${printable(title)} ${AIMS[better].arrow}`.trim();
  const deviations = cells.map((cell) =>
    cell?.deviation == null ? '' : ` ± ${formatValue(cell.deviation, decimals)}`,
  );
  // Spaces replace a missing deviation or mark, so that the values align.
  const room = maxWidth(deviations);
  const texts = cells.map((cell, index): [string, string] | undefined => {
    if (cell === undefined) return undefined;
    const mark = best.size === 0 ? '' : best.has(index) ? BEST : ' ';
    const interval = formatInterval(cell, decimals);
    return [
      formatValue(cell.value, decimals) + padTo(room, deviations[index]!) + mark,
      interval === undefined ? '' : interval + (mark && ' '),
    ];
  });
  const width = maxWidth([head, ...texts.flatMap((text) => text ?? [])]);
  return { head, cells: texts, width };
}

/** Groups columns that fit beside each other. */
function blocksOf(columns: readonly TextColumn[], room: number): TextColumn[][] {
  const blocks: TextColumn[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const column of columns) {
    const needed = GAP.length + column.width;
    if (used + needed > room) {
      blocks.push([]);
      used = 0;
    }
    blocks.at(-1)!.push(column);
    used += needed;
  }
  return blocks;
}

function blockLines(
  block: readonly TextColumn[],
  names: readonly string[],
  nameWidth: number,
  width: number,
): string[] {
  const [first] = block;
  if (nameWidth + GAP.length + first!.width > width) return narrowLines(first!, names, width);
  const line = (name: string, cells: readonly string[]) =>
    padTo(nameWidth, cutTo(nameWidth, name)) +
    cells.map((text, i) => GAP + padTo(block[i]!.width, text, 'left')).join('');
  const head = line(
    'method',
    block.map((column) => column.head),
  );
  const rows = names.flatMap((name, index) => {
    const cells = block.map((column) => column.cells[index]);
    if (cells.every((cell) => cell === undefined)) return [];
    const figures = line(
      name,
      cells.map((cell) => cell?.[0] ?? '–'),
    );
    const intervals = line(
      '',
      cells.map((cell) => cell?.[1] ?? ''),
    );
    return intervals.trim() === '' ? [figures] : [figures, intervals];
  });
  return [head, '─'.repeat(maxWidth([head])), ...rows];
}

/** Lists one figure below the other if not even one column fits beside the names. */
function narrowLines({ head, cells }: TextColumn, names: readonly string[], width: number): string[] {
  return [
    ...wrapTo(width, head),
    ...names.flatMap((name, index) => {
      const cell = cells[index];
      if (cell === undefined) return [];
      return [name, ...cell].filter((text) => text !== '').flatMap((text) => wrapTo(width, text));
    }),
  ];
}

/** `Precision, Recall: higher is better; 100 real; 1000 generated (GNR), 100 generated (identity); ± over repeats`. */
function legends(columns: readonly FigureColumn[], methods: readonly MethodResult[]): string[] {
  const titles = new Map<string, string[]>();
  for (const column of columns) {
    const over = deviationOver(column);
    const parts = [
      AIMS[column.better].words,
      formatCounts(countsOf(column).shared),
      differingCounts(column, methods),
      over === undefined ? '' : `± over ${over}`,
    ];
    const text = parts.filter((part) => part !== '').join('; ');
    titles.set(text, [...(titles.get(text) ?? []), column.title]);
  }
  return [...titles].map(([text, names]) => `${names.join(', ')}: ${text}`);
}

function differingCounts(column: FigureColumn, methods: readonly MethodResult[]): string {
  const { differing } = countsOf(column);
  const names = new Map<string, string[]>();
  for (const [index, cell] of column.cells.entries()) {
    const text = cell === undefined ? '' : formatCounts(cell.n, differing);
    if (text !== '') names.set(text, [...(names.get(text) ?? []), methods[index]!.name]);
  }
  return [...names].map(([text, list]) => `${text} (${list.join(', ')})`).join(', ');
}

function publishedLines(
  { table, figures }: PublishedContext,
  columns: readonly FigureColumn[],
  width: number,
): string[] {
  const column = columns.find(({ key }) => key === table.figure)!;
  const values = figures.map(
    (figure) =>
      `${figure.method} ${formatFigure(figure, column.decimals)}${figure.verified ? '' : ' (unchecked)'}`,
  );
  const { title, url } = table.source;
  return list(
    `Published ${column.title}, not measured here`,
    [values.join('; '), `${title}, ${url}`, table.note],
    width,
  );
}

function unmeasured(methods: readonly MethodResult[]): string[] {
  return unmeasuredByReason(methods).map(
    ({ metric, why, names }) => `${metric} of ${names.join(', ')}: ${why}`,
  );
}

function list(title: string, items: readonly string[], width: number): string[] {
  const shown = items.filter((item) => item !== '');
  if (shown.length === 0) return [];
  return [
    '',
    ...wrapTo(width, printable(`${title}:`)),
    ...shown.flatMap((item) => wrapTo(width, `- ${printable(item)}`, GAP)),
  ];
}
