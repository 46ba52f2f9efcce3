// The report of an evaluation as one HTML page.
import { escapeHtml, htmlPage } from '../../report/html.js';
import { factList, type ReportFact, warningBox } from '../../report/parts.js';
import { REPORT_STYLE } from '../../report/style.js';
import { type PublishedTable, publishedBeside } from '../published.js';
import type { Receipt } from '../receipt.js';
import { cautionsOf } from './cautions.js';
import { familiesOf } from './families.js';
import { figureColumns, formatCount } from './figure-table.js';
import { explanations, figuresSection, notMeasured } from './figures-section.js';
import { gridSection, type ImageGrid, type NearestImages, nearestSection, nearnessOf } from './galleries.js';
import { EVALUATION_STYLE } from './page-style.js';
import { receiptSection } from './receipt-section.js';

const NAMES_IN_TITLE = 3;

/** Contents of the page in addition to the receipt. */
export interface EvaluationExtras {
  /** Published figures; the page shows those of the same metric, dataset and protocol. */
  published?: readonly PublishedTable[];
  /** Name of the dataset, if the folder's name is another. */
  dataset?: string | undefined;
  grids?: readonly ImageGrid[];
  nearest?: readonly NearestImages[];
  /** Path of the receipt, for the command that verifies it; `receipt.json` by default. */
  receiptPath?: string | undefined;
}

/**
 * Renders an evaluation as one HTML page, in the form of `htmlPage`: cautions, figures of all methods with their
 * descriptions, images, nearest training images, receipt.
 *
 * @throws InputError for bytes that are not an image.
 */
export async function evaluationPage(receipt: Receipt, extras: EvaluationExtras = {}): Promise<string> {
  const { methods } = receipt;
  const { grids = [], nearest = [], receiptPath = 'receipt.json' } = extras;
  const columns = figureColumns(methods);
  const published = publishedBeside(receipt, extras.published ?? [], extras.dataset);
  const title = titleOf(receipt);
  const main = [
    `<header><h1>${escapeHtml(title)}</h1><p class="lede">${escapeHtml(summary(receipt))}</p>${factList(facts(receipt))}</header>`,
    warningBox('Cautions', [...cautionsOf(receipt), ...copyCautions(nearest)]),
    ...familiesOf(columns).map((family) => figuresSection(family, methods, published)),
    columns.length === 0 ? '<section><h2>Figures</h2><p class="empty">None was measured.</p></section>' : '',
    notMeasured(methods),
    await gridSection(grids),
    await nearestSection(nearest),
    columns.length === 0 ? '' : explanations(columns),
    receiptSection(receipt, receiptPath),
  ];
  return htmlPage(title, REPORT_STYLE + EVALUATION_STYLE, main.filter((part) => part !== '').join('\n'));
}

/** Names what was evaluated: the model, or else the folders. */
export function titleOf({ model, methods }: Receipt): string {
  if (model !== null) return `Evaluation of ${shortPath(model.path)}`;
  const names = methods.filter(({ kind }) => kind !== 'baseline').map(({ name }) => name);
  if (names.length === 0) return 'Evaluation of baselines';
  const others = names.length - NAMES_IN_TITLE;
  return `Evaluation of ${names.slice(0, NAMES_IN_TITLE).join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

/** The last two parts of a path: `first/step-100000` of `runs/first/checkpoints/step-100000`. */
function shortPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.' && part !== 'checkpoints');
  return parts.slice(-2).join('/') || path;
}

function summary({ protocol }: Receipt): string {
  const { name, description, seeds } = protocol;
  const repeats = seeds.length === 1 ? 'Measured once.' : `Means over ${seeds.length} repeats.`;
  const sentence = description === '' ? '' : ` ${description.replace(/[^.!?]$/, '$&.')}`;
  return `Protocol ${name}.${sentence} ${repeats} ± is the standard deviation over what the column names; brackets are 95\u00a0% confidence intervals of the mean.`;
}

function facts(receipt: Receipt): ReportFact[] {
  const { protocol, model, images, created } = receipt;
  const { direction, styles, seeds } = protocol;
  const counted = (role: string, label: string): ReportFact[] =>
    images
      .filter((list) => list.role === role)
      .map(({ count }) => ({ label, value: `${formatCount(count)} images` }));
  return [
    { label: 'Date', value: formatDate(created) },
    { label: 'Direction', value: direction === 'A2B' ? 'A to B' : 'B to A' },
    ...counted('inputs', 'Inputs'),
    ...counted('real', 'Real'),
    ...(model === null
      ? []
      : [
          { label: 'Outputs of each input', value: `${styles.perInput}, ${styles.source} styles` },
          {
            label: 'Model',
            value: `${model.size} px${model.step === null ? '' : `, step ${formatCount(model.step)}`}`,
          },
        ]),
    { label: seeds.length === 1 ? 'Seed' : 'Seeds', value: seeds.join(', ') },
  ];
}

/** `2026-01-02 13:45 UTC`. */
export function formatDate(created: string): string {
  const date = new Date(created);
  if (Number.isNaN(date.getTime())) return created;
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function copyCautions(items: readonly NearestImages[]): string[] {
  return items.flatMap((item) => {
    const nearness = nearnessOf(item);
    if (!nearness?.isSuspicious) return [];
    return [
      `${item.method} may repeat training images: ${nearness.nearer} of ${nearness.output.count} outputs are nearer to one than 95 % of the real test images are.`,
    ];
  });
}
