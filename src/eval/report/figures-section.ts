// The section of a report for one question: a table, bars, and published figures.
import { escapeHtml } from '../../report/html.js';
import type { PublishedContext } from '../published.js';
import type { Figure, MethodResult } from '../receipt.js';
import { barChart, figureText } from './bars.js';
import type { Family } from './families.js';
import {
  AIMS,
  countsOf,
  deviationOver,
  type FigureColumn,
  formatCounts,
  formatInterval,
  unmeasuredByReason,
} from './figure-table.js';

export const KINDS: Record<MethodResult['kind'] | 'published', string> = {
  model: 'model',
  folder: 'folder of images',
  baseline: 'baseline',
  published: 'published, not measured here',
};

/** Renders the figures that answer one question: a table, bars, and the sources of published figures. */
export function figuresSection(
  family: Family,
  methods: readonly MethodResult[],
  published: ReadonlyMap<string, PublishedContext>,
): string {
  const beside = family.columns.flatMap(({ key }) => published.get(key) ?? []);
  return `<section class="family"><h2>${escapeHtml(family.title)}</h2>
${figureTable(family, methods)}
${bars(family, methods, published)}
${beside.map(source).join('\n')}
</section>`;
}

function figureTable({ title, question, columns }: Family, methods: readonly MethodResult[]): string {
  const counted = columns.map(countsOf);
  const rows = methods.flatMap((method, index) => {
    if (columns.every(({ cells }) => cells[index] === undefined)) return [];
    const cells = columns.map((column, i) => figureCell(column, index, counted[i]!.differing));
    return [
      `<tr><th scope="row">${escapeHtml(method.name)}<span class="kind">${KINDS[method.kind]}</span></th>${cells.join('')}</tr>`,
    ];
  });
  const counts = counted.map(({ shared }) => `<td>${escapeHtml(formatCounts(shared))}</td>`);
  return `<p class="question">${escapeHtml(question)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table class="figures" aria-label="${escapeHtml(title)}">
<thead><tr><th scope="col">Method</th>${columns.map(columnHead).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
<tfoot><tr><th scope="row">N</th>${counts.join('')}</tr></tfoot></table></div>`;
}

function columnHead(column: FigureColumn): string {
  const { words, arrow } = AIMS[column.better];
  const over = deviationOver(column);
  const deviation = over === undefined ? '' : `<small>± over ${over}</small>`;
  return `<th scope="col"><a href="#${howId(column)}">${escapeHtml(column.title)}</a><small>${arrow} ${words}</small>${deviation}</th>`;
}

/** The anchor of a figure's explanation. It is valid for any key, and different for different keys. */
export function howId({ key }: Pick<FigureColumn, 'key'>): string {
  const name = key.replaceAll(/[^A-Za-z0-9-]/g, (character) => `_${character.codePointAt(0)!.toString(16)}_`);
  return `how-${name}`;
}

function figureCell(column: FigureColumn, index: number, differing: ReadonlySet<string>): string {
  const { cells, best, decimals } = column;
  const figure = cells[index];
  if (figure === undefined) return '<td class="gone"><span aria-label="not measured">–</span></td>';
  const interval = formatInterval(figure, decimals);
  const isBest = best.has(index);
  const counts = escapeHtml(formatCounts(figure.n, differing));
  const lines = interval === undefined ? [] : [`<small class="interval">${interval}</small>`];
  if (counts !== '') lines.push(`<small>${counts}</small>`);
  if (isBest) lines.push('<small class="mark">best</small>');
  const others = cells.flatMap((cell) => (cell ? [cell.deviation] : []));
  return `<td${isBest ? ' class="best"' : ''}>${figureText(figure, decimals, others)}${lines.join('')}</td>`;
}

// Bars

function bars(
  { columns }: Family,
  methods: readonly MethodResult[],
  published: ReadonlyMap<string, PublishedContext>,
): string {
  const kinds = new Set<keyof typeof KINDS>();
  const charts = columns.flatMap((column) => {
    const context = published.get(column.key);
    const entries = [
      ...column.cells.flatMap((figure, i) => (figure ? [entryOf(methods[i]!, figure)] : [])),
      ...(context?.figures ?? []).map((figure) => ({
        ...figure,
        name: `${figure.method}, published`,
        kind: 'published' as const,
        interval: null,
      })),
    ];
    if (entries.length < 2) return [];
    for (const { kind } of entries) kinds.add(kind);
    return [barChart(column, entries)];
  });
  if (charts.length === 0) return '';
  const swatches = (Object.keys(KINDS) as (keyof typeof KINDS)[])
    .filter((kind) => kinds.has(kind))
    .map(
      (kind) =>
        `<li class="${kind}"><span class="track" aria-hidden="true"><i></i></span>${KINDS[kind]}</li>`,
    );
  const key = swatches.length > 1 ? `<ul class="swatches">${swatches.join('')}</ul>` : '';
  return `<div class="compared">${key}<div class="charts">${charts.join('\n')}</div></div>`;
}

function entryOf({ name, kind }: MethodResult, { value, deviation, interval }: Figure) {
  return { name, kind, value, deviation, interval };
}

function source({ table, figures }: PublishedContext): string {
  const { title, url, place } = table.source;
  const unverified = figures.filter(({ verified }) => !verified).map(({ method }) => method);
  const checked =
    unverified.length === 0
      ? 'Read in the source; not measured again.'
      : `Not checked against the source: ${unverified.join(', ')}. None was measured again.`;
  return `<p class="source"><b>Published ${escapeHtml(table.title)}</b> on ${escapeHtml(table.dataset)}, for context: <a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(title)}</a> (${escapeHtml(place)}); ${escapeHtml(table.protocol.description)}. ${escapeHtml(checked)}</p>${table.note === '' ? '' : `<p class="source">${escapeHtml(table.note)}</p>`}`;
}

// Explanations

/** Renders the exact description of each figure, as the receipt has it. */
export function explanations(columns: readonly FigureColumn[]): string {
  const items = columns.map((column) => {
    const hows = new Set(column.cells.flatMap((cell) => (cell ? [cell.how] : [])));
    const texts = [...hows].map((how) => `<dd>${escapeHtml(how)}</dd>`);
    return `<dt id="${howId(column)}">${escapeHtml(column.title)}<span>${escapeHtml(column.key)}</span></dt>${texts.join('')}`;
  });
  return `<section><h2>What the figures are</h2><dl class="hows">${items.join('\n')}</dl></section>`;
}

/** Renders the metrics that could not be measured on some methods, with the reason. */
export function notMeasured(methods: readonly MethodResult[]): string {
  const items = unmeasuredByReason(methods).map(
    ({ metric, why, names }) =>
      `<li><b>${escapeHtml(metric)}</b> of ${escapeHtml(names.join(', '))}: ${escapeHtml(why)}</li>`,
  );
  if (items.length === 0) return '';
  return `<section><h2>Not measured</h2><ul class="notes">${items.join('')}</ul></section>`;
}
