// The report page: images, measures, curves, details.
import { writeFileAtomic } from '../base/atomic-files.js';
import { formatJson } from '../base/json-text.js';
import { removeLeftoversOf } from '../base/leftovers.js';
import { renderChart } from './charts.js';
import { escapeHtml, htmlPage } from './html.js';
import type { ReportImage } from './image.js';
import { formatNumber } from './numbers.js';
import { dataAddress, factList, type ReportFact, warningBox } from './parts.js';
import type { Series } from './series.js';
import { REPORT_STYLE } from './style.js';

const MAX_ENLARGEMENT = 2;
/** A value counts as better or worse if it differs from the untrained one by more than this part of it. */
const MIN_CHANGE = 0.005;

/** A measure of quality before and after training. */
export interface ReportMeasure {
  name: string;
  /** An explanation in a sentence or two. */
  explanation: string;
  untrained?: number | undefined;
  trained?: number | undefined;
  /** The value of real images of the test set. */
  reference?: number | undefined;
  better: 'lower' | 'higher' | 'near reference';
}

/** An image with title and caption. */
export interface ReportGrid {
  title: string;
  caption: string;
  image: ReportImage;
  /** Labels of the columns and rows, for an image without labels in it. */
  columnLabels?: readonly string[] | undefined;
  rowLabels?: readonly string[] | undefined;
}

/** Rows of text under a heading. */
export interface ReportTable {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Commands to go on with: what they are for, and the lines to type. */
export interface ReportCommands {
  title: string;
  explanation: string;
  lines: readonly string[];
}

/** The contents of the page; missing and empty ones are omitted. */
export interface ReportData {
  title: string;
  /** What the page shows, in two sentences. */
  summary?: string | undefined;
  facts?: readonly ReportFact[] | undefined;
  warnings?: readonly string[] | undefined;
  /** Images to show in full, the most important one first: translated test images, the newest samples. */
  grids?: readonly ReportGrid[] | undefined;
  measures?: readonly ReportMeasure[] | undefined;
  /** The names of the values before and after training, `Untrained` and `Trained` by default. */
  measureNames?: readonly [before: string, after: string] | undefined;
  series?: readonly Series[] | undefined;
  /** Commands to go on with. */
  commands?: readonly ReportCommands[] | undefined;
  /** Earlier samples, in order. */
  earlier?: readonly ReportGrid[] | undefined;
  /** The number of all earlier samples, if `earlier` has only some of them. */
  earlierCount?: number | undefined;
  tables?: readonly ReportTable[] | undefined;
  /** The resolved config. */
  config?: object | undefined;
}

/** Writes the page of `renderReport` atomically. @throws RunError if the file cannot be written. */
export async function writeReport(path: string, data: ReportData): Promise<void> {
  await removeLeftoversOf(path);
  await writeFileAtomic(path, renderReport(data));
}

/** The report as one self-contained HTML page. */
export function renderReport(data: ReportData): string {
  const body = [
    `<header><h1>${escapeHtml(data.title)}</h1>${data.summary ? `<p class="lede">${escapeHtml(data.summary)}</p>` : ''}${factList(data.facts ?? [])}</header>`,
    warningBox('Warnings', data.warnings ?? []),
    images(data.grids ?? []),
    measures(data.measures ?? [], data.measureNames),
    commandsSection(data.commands ?? []),
    charts(data.series ?? []),
    details(data),
  ];
  return htmlPage(data.title, REPORT_STYLE, body.filter((part) => part !== '').join('\n'));
}

// Images

function images(grids: readonly ReportGrid[]): string {
  if (grids.length === 0) return '';
  return `<section aria-label="Pictures">${grids.map((grid) => figureOf(grid, 2)).join('\n')}</section>`;
}

function figureOf(grid: ReportGrid, level: number): string {
  const { title, caption, image, columnLabels = [], rowLabels = [] } = grid;
  const labels = [
    columnLabels.length > 0 ? `Columns: ${columnLabels.join(', ')}.` : '',
    rowLabels.length > 0 ? `Rows: ${rowLabels.join(', ')}.` : '',
  ].filter((text) => text !== '');
  const alt = escapeHtml([title, caption].filter((text) => text !== '').join(': '));
  const listed = labels.map((text) => `<p class="labels">${escapeHtml(text)}</p>`).join('');
  const words = caption === '' ? '' : `<p>${escapeHtml(caption)}</p>`;
  const below = words + listed === '' ? '' : `<figcaption>${words}${listed}</figcaption>`;
  return `<div class="picture"><h${level}>${escapeHtml(title)}</h${level}><figure><img src="${dataAddress(image)}" alt="${alt}"${sizeAttributes(image)}>${below}</figure></div>`;
}

/** Room for the image before it is decoded, and a limit for its enlargement. */
function sizeAttributes({ width, height }: ReportImage): string {
  return ` width="${width}" height="${height}" style="max-width:min(100%,${width * MAX_ENLARGEMENT}px)"`;
}

// Measures

function measures(
  items: readonly ReportMeasure[],
  names: ReportData['measureNames'] = ['Untrained', 'Trained'],
): string {
  if (items.length === 0) return '';
  const hasReference = items.some(({ reference }) => reference !== undefined);
  const columns = [...names, ...(hasReference ? ['Reference'] : [])];
  const head = columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const note = hasReference ? ' The reference is the value of real pictures of the test set.' : '';
  return `<section><h2>Measures</h2>
<table><caption>The trained network beside the same network before training, on the test set.${note}</caption>
<thead><tr><th scope="col">Measure</th>${head}</tr></thead>
${items.map((item) => measureRows(item, columns.length)).join('\n')}
</table></section>`;
}

const AIMS: Record<ReportMeasure['better'], string> = {
  lower: 'Lower is better.',
  higher: 'Higher is better.',
  'near reference': 'Nearer to the reference is better.',
};

const VERDICTS = {
  better: '<b class="better">Improved.</b>',
  worse: '<b class="worse">Worse than before.</b>',
  same: '',
};

function measureRows(item: ReportMeasure, columns: number): string {
  const { name, explanation, untrained, trained, reference, better } = item;
  const cells = [
    `<td>${figure(untrained)}</td>`,
    `<td class="trained">${figure(trained)}</td>`,
    ...(columns > 2 ? [`<td>${figure(reference)}</td>`] : []),
  ];
  return `<tbody><tr><th scope="row">${escapeHtml(name)}</th>${cells.join('')}</tr>
<tr><td class="explanation" colspan="${columns + 1}"><span>${escapeHtml(explanation)} ${AIMS[better]} ${VERDICTS[verdictOf(item)]}</span></td></tr></tbody>`;
}

function figure(value: number | undefined): string {
  return value === undefined ? '<span aria-label="none">–</span>' : formatNumber(value);
}

/** Whether training improved a measure. */
export function verdictOf(item: Omit<ReportMeasure, 'name' | 'explanation'>): 'better' | 'worse' | 'same' {
  const { untrained, trained, reference, better } = item;
  if (untrained === undefined || trained === undefined) return 'same';
  if (better === 'near reference' && reference === undefined) return 'same';
  const badness = (value: number) => {
    if (better === 'near reference') return Math.abs(value - reference!);
    return better === 'lower' ? value : -value;
  };
  const gain = badness(untrained) - badness(trained);
  if (!(Math.abs(gain) > MIN_CHANGE * Math.abs(untrained))) return 'same';
  return gain > 0 ? 'better' : 'worse';
}

// Commands

function commandsSection(items: readonly ReportCommands[]): string {
  if (items.length === 0) return '';
  const parts = items.map(
    ({ title, explanation, lines }) =>
      `<div class="commands"><h3>${escapeHtml(title)}</h3><p>${escapeHtml(explanation)}</p><pre tabindex="0">${escapeHtml(lines.join('\n'))}</pre></div>`,
  );
  return `<section><h2>Going on</h2>${parts.join('\n')}</section>`;
}

// Curves and details

function charts(series: readonly Series[]): string {
  if (series.length === 0) return '';
  const groups = new Map<string, Series[]>();
  for (const entry of series) groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  const figures = [...groups].map(([group, entries]) => renderChart(group, entries));
  return `<section><h2>Training curves</h2>
<p class="intro">Values over training steps, thin as logged and thick smoothed. The numbers are the last logged ones.</p>
<div class="charts">${figures.join('\n')}</div></section>`;
}

function tableDetails({ title, columns, rows }: ReportTable): string {
  const head = columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const lines = rows.map(
    (cells) => `<tr>${cells.map((text) => `<td>${escapeHtml(text)}</td>`).join('')}</tr>`,
  );
  return `<details><summary>${escapeHtml(title)} (${rows.length})</summary><table class="list"><thead><tr>${head}</tr></thead><tbody>
${lines.join('\n')}
</tbody></table></details>`;
}

function details({ earlier = [], earlierCount = 0, tables = [], config }: ReportData): string {
  const sections: string[] = [];
  if (earlier.length > 0) {
    const count =
      earlierCount > earlier.length ? `${earlier.length} of ${earlierCount}` : `${earlier.length}`;
    const list = earlier.map((grid) => figureOf(grid, 3)).join('\n');
    sections.push(
      `<details><summary>Earlier samples (${count})</summary><div class="timeline">${list}</div></details>`,
    );
  }
  sections.push(...tables.filter(({ rows }) => rows.length > 0).map(tableDetails));
  if (config !== undefined) {
    const text = escapeHtml(formatJson(config).trimEnd());
    sections.push(`<details><summary>Configuration</summary><pre tabindex="0">${text}</pre></details>`);
  }
  return sections.length === 0 ? '' : `<section aria-label="Details">${sections.join('\n')}</section>`;
}

/** At most `count` items, evenly spaced, with the first and the last. */
export function pickEvenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!);
}
