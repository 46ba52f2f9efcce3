// The image sections of a report: grids of outputs, and the nearest training images.
import type { DecodedImage } from '../../data/decode.js';
import { escapeHtml } from '../../report/html.js';
import { type ReportImage, reportImage } from '../../report/image.js';
import { formatNumber } from '../../report/numbers.js';
import { dataAddress } from '../../report/parts.js';

/** Maximum size of an image on the page, px: enough for columns on a screen of double density. */
const CELL = { width: 192, height: 192 };
/** Share of real images that counts as near to a training image. */
const NEAREST_SHARE = 0.05;
/** Multiple of that share from which the outputs count as suspiciously near. */
const SUSPICIOUS = 3;

/** Pixels, or a file that browsers can show. */
export type PageImage = DecodedImage | ReportImage;

/** A grid of images: a row for each input; the first column is the input, the others are styles or methods. */
export interface ImageGrid {
  title: string;
  caption?: string;
  columns: readonly string[];
  rows: readonly { label: string; images: readonly PageImage[] }[];
}

/** Outputs of a method beside the most similar training images. */
export interface NearestImages {
  method: string;
  /** A sentence that says what the distances are: network, layer, metric. */
  how: string;
  outputs: readonly {
    label: string;
    image: PageImage;
    /** The nearest first. */
    neighbours: readonly { label: string; image: PageImage; distance: number }[];
  }[];
  /** Distances of all measured outputs to their nearest training image; those of `outputs` by default. */
  outputDistances?: readonly number[];
  /** Distances of real test images, not used in training, to their nearest training image. */
  realDistances: readonly number[];
}

/** Renders grids as a section of the page. @throws InputError for bytes that are not an image. */
export async function gridSection(grids: readonly ImageGrid[]): Promise<string> {
  if (grids.length === 0) return '';
  const parts: string[] = [];
  for (const grid of grids) parts.push(await gridPart(grid));
  return `<section><h2>Images</h2>${parts.join('\n')}</section>`;
}

async function gridPart({ title, caption, columns, rows }: ImageGrid): Promise<string> {
  const head = columns.map((name, i) => `<th scope="col"${inputClass(i)}>${escapeHtml(name)}</th>`);
  const lines: string[] = [];
  for (const { label, images } of rows) {
    const cells: string[] = [];
    for (const [i, name] of columns.entries()) {
      const image = images[i];
      const tag = image === undefined ? '' : await imageTag(image, `${label}: ${name}`);
      const under = i === 0 ? `<span class="label">${escapeHtml(label)}</span>` : '';
      cells.push(i === 0 ? `<th scope="row"${inputClass(0)}>${tag}${under}</th>` : `<td>${tag || '–'}</td>`);
    }
    lines.push(`<tr>${cells.join('')}</tr>`);
  }
  return `<div class="gallery"><h3>${escapeHtml(title)}</h3>${caption ? `<p>${escapeHtml(caption)}</p>` : ''}
${imageTable(title, head, lines, columns.length <= 6)}</div>`;
}

const inputClass = (column: number) => (column === 0 ? ' class="input"' : '');

function imageTable(title: string, head: readonly string[], rows: readonly string[], isFew: boolean): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table class="images${isFew ? ' few' : ''}"><thead><tr>${head.join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

async function imageTag(image: PageImage, alt: string): Promise<string> {
  const shown = 'bytes' in image ? image : await reportImage(image, CELL);
  return `<img src="${dataAddress(shown)}" alt="${escapeHtml(alt)}" width="${shown.width}" height="${shown.height}">`;
}

// Nearest training images

/** Distances of outputs to the training images, compared with those of real images not used in training. */
export interface Nearness {
  output: Spread;
  real: Spread;
  /** A twentieth of the real images' distances are below it. */
  threshold: number;
  /** Number of outputs below the threshold. */
  nearer: number;
  /** Whether far more outputs than real images are below the threshold. */
  isSuspicious: boolean;
}

interface Spread {
  count: number;
  low: number;
  quarter: number;
  median: number;
  threeQuarters: number;
  high: number;
}

/** Compares the distances, without those that are not finite. @returns undefined if one side has none. */
export function nearnessOf(nearest: NearestImages): Nearness | undefined {
  const shown = nearest.outputs.flatMap(({ neighbours }) => neighbours.slice(0, 1));
  const all = nearest.outputDistances ?? shown.map(({ distance }) => distance);
  const outputs = all.filter(Number.isFinite).sort((a, b) => a - b);
  const reals = nearest.realDistances.filter(Number.isFinite).sort((a, b) => a - b);
  if (outputs.length === 0 || reals.length === 0) return undefined;
  const threshold = quantile(reals, NEAREST_SHARE);
  const nearer = outputs.filter((distance) => distance < threshold).length;
  const isSuspicious = nearer > SUSPICIOUS * NEAREST_SHARE * outputs.length;
  return { output: spreadOf(outputs), real: spreadOf(reals), threshold, nearer, isSuspicious };
}

function spreadOf(ordered: readonly number[]): Spread {
  return {
    count: ordered.length,
    low: ordered[0]!,
    quarter: quantile(ordered, 0.25),
    median: quantile(ordered, 0.5),
    threeQuarters: quantile(ordered, 0.75),
    high: ordered.at(-1)!,
  };
}

/** Interpolates linearly between neighbours. */
function quantile(ordered: readonly number[], share: number): number {
  const place = share * (ordered.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, ordered.length - 1);
  return ordered[below]! + (ordered[above]! - ordered[below]!) * (place - below);
}

/** Renders outputs beside their nearest training images. @throws InputError for bytes that are not an image. */
export async function nearestSection(items: readonly NearestImages[]): Promise<string> {
  if (items.length === 0) return '';
  const parts: string[] = [];
  for (const item of items) parts.push(await nearestPart(item));
  return `<section><h2>Nearest training images</h2>
<p class="intro">The outputs of a network that memorised its training images lie nearer to them than new real images do.</p>
${parts.join('\n')}</section>`;
}

async function nearestPart(item: NearestImages): Promise<string> {
  const maxNeighbours = Math.max(0, ...item.outputs.map(({ neighbours }) => neighbours.length));
  const names = [
    'Output',
    ...Array.from({ length: maxNeighbours }, (_, i) => (i === 0 ? 'Nearest' : `${i + 1}.`)),
  ];
  const head = names.map((name, i) => `<th scope="col"${inputClass(i)}>${name}</th>`);
  const rows: string[] = [];
  for (const { label, image, neighbours } of item.outputs) {
    const cells: string[] = [];
    for (const [i, neighbour] of neighbours.entries()) {
      const tag = await imageTag(neighbour.image, `${neighbour.label}, training image ${i + 1} for ${label}`);
      cells.push(
        `<td>${tag}<span class="label">${formatNumber(neighbour.distance)}<br>${escapeHtml(neighbour.label)}</span></td>`,
      );
    }
    const tag = await imageTag(image, `output ${label}`);
    cells.push('<td></td>'.repeat(maxNeighbours - neighbours.length));
    rows.push(
      `<tr><th scope="row" class="input">${tag}<span class="label">${escapeHtml(label)}</span></th>${cells.join('')}</tr>`,
    );
  }
  const title = `Nearest training images of ${item.method}`;
  const table = rows.length === 0 ? '' : imageTable(title, head, rows, names.length <= 6);
  return `<div class="gallery"><h3>${escapeHtml(item.method)}</h3><p>${escapeHtml(item.how)}</p>${nearnessPart(item)}${table}</div>`;
}

function nearnessPart(item: NearestImages): string {
  const nearness = nearnessOf(item);
  if (nearness === undefined) return '';
  const { output, real, nearer, isSuspicious } = nearness;
  const verdict = `${nearer} of ${output.count} outputs ${nearer === 1 ? 'is' : 'are'} nearer to a training image than the nearest twentieth of the real test images (${formatNumber(nearness.threshold)}).`;
  const warning = isSuspicious
    ? `<span class="bad">Near copies of training images: look at the first rows.</span> `
    : '';
  const top = Math.max(output.high, real.high) || 1;
  const rows = [
    spreadRow('Outputs', output, top),
    spreadRow('Real test images', real, top),
    `<li class="ends" aria-hidden="true"><span></span><span class="scale"><span style="left:0">0, a copy</span><span style="left:100%">${formatNumber(top)}</span></span><span></span></li>`,
  ];
  return `<figure class="chart"><figcaption><h3>Distance to the nearest training image</h3><span class="scale">median, quartiles, extremes</span></figcaption><ul class="bars">${rows.join('')}</ul></figure>
<p>${warning}${verdict} For real images, it would be one in twenty.</p>`;
}

function spreadRow(name: string, spread: Spread, top: number): string {
  const at = (value: number) => Math.round((10_000 * value) / top) / 100;
  const { count, low, quarter, median, threeQuarters, high } = spread;
  const line = (from: number, to: number, kind: string) =>
    `<u${kind} style="left:${at(from)}%;width:${(at(to) - at(from)).toFixed(2)}%"></u>`;
  const words = `median ${formatNumber(median)}, quartiles ${formatNumber(quarter)} and ${formatNumber(threeQuarters)}, from ${formatNumber(low)} to ${formatNumber(high)}`;
  return `<li><span class="name">${name} (${count})</span><span class="track" role="img" aria-label="${words}">${line(low, high, '')}${line(quarter, threeQuarters, ' class="box"')}<u class="middle" style="left:${at(median)}%"></u></span><span class="value">${formatNumber(median)}</span></li>`;
}
