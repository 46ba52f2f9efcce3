// The page of a dataset check: findings with their images, folders, contact sheets.
import { countOf } from '../../base/count-of.js';
import { escapeHtml, htmlPage } from '../../report/html.js';
import { REPORT_STYLE } from '../../report/style.js';
import type { DatasetCheck } from './dataset-check.js';
import { FINDING_KINDS, FINDING_TEXTS, type Finding, type FindingKind } from './findings.js';
import { type FolderStatistics, HISTOGRAM_BINS } from './statistics.js';
import { formatSize, formatSpread, summaryOf } from './summary.js';
import type { CheckThumbnails, Thumbnail } from './thumbnails.js';

/** Names of files that the page lists for each kind of finding; `--json` has all. */
const NAMES_SHOWN = 200;
const CHART = { width: 440, height: 150, left: 8, right: 8, top: 8, bottom: 22 };

const STYLE = `
.finding { margin-top: 2.25rem; }
.finding h3 { font-size: 1.0625rem; }
.finding h3 span { color: var(--faint); font-weight: 500; font-variant-numeric: tabular-nums; }
.finding.problem h3::before { content: ""; display: inline-block; width: .6rem; height: .6rem; margin-right: .5rem; border-radius: 50%; background: var(--bad); }
.finding p { max-width: 42rem; color: var(--soft); }
.found { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 1rem; margin: 1rem 0; }
.found.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); }
.found .side { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.found img, .sheet img { display: block; width: 100%; aspect-ratio: 1; background: var(--card); border: 1px solid var(--rule); border-radius: 4px; }
.found img { object-fit: contain; }
.found figcaption { margin-top: .3rem; color: var(--soft); font-size: .8125rem; line-height: 1.4; overflow-wrap: anywhere; }
.names { margin: .6rem 0 1rem; padding-left: 1.1rem; font-size: .9375rem; }
.names li { overflow-wrap: anywhere; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.25rem, 1fr)); gap: 4px; margin: .6rem 0 2rem; }
.wide { overflow-x: auto; }
.wide td, .wide tbody th { padding-top: .4rem; padding-bottom: .4rem; border-bottom: 1px solid var(--rule); white-space: normal; }
.wide tbody th { white-space: nowrap; color: var(--soft); font-size: .9375rem; font-weight: 500; }
.swatch { display: inline-block; width: 1.1em; height: 1.1em; margin-right: .4em; vertical-align: -.2em; border: 1px solid var(--rule); border-radius: 3px; }
.charts { margin-top: 1.5rem; }
@media (max-width: 36rem) {
  .found { grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); }
  .wide table { min-width: 34rem; font-size: .875rem; }
}
`;

/** @returns the check as one HTML page, with its images inside. */
export function checkPage(check: DatasetCheck, images: CheckThumbnails): string {
  const { size, aspect, distanceBits } = check.settings;
  const title = `Dataset check: ${check.dir}`;
  const main = `<header><h1>${escapeHtml(title)}</h1><p class="lede">${escapeHtml(summaryOf(check))}. Checked for training at ${size} px; an image is long if
its sides are more than ${aspect} to 1, and images are alike if their hashes differ in at most ${distanceBits} of 64 bits.</p></header>
<section><h2>Findings</h2>
${findings(check, images)}
</section>
<section><h2>Folders</h2>
<p class="intro">Sizes are from the smallest to the largest; colours are red, green and blue, 0 to 255.</p>
${folderTable(check)}
${charts(check)}
</section>
<section><h2>Contact sheets</h2>
<p class="intro">Images spread evenly over each folder, cropped as training crops them.</p>
${sheets(check, images)}
</section>`;
  return htmlPage(title, REPORT_STYLE + STYLE, main);
}

// Findings

function findings(check: DatasetCheck, images: CheckThumbnails): string {
  const parts = FINDING_KINDS.map((kind) => kindPart(kind, check, images)).filter((part) => part !== '');
  return parts.length === 0 ? '<p class="intro">No problems were found.</p>' : parts.join('\n');
}

function kindPart(kind: FindingKind, check: DatasetCheck, images: CheckThumbnails): string {
  const findingsOfKind = check.findings.filter((entry) => entry.kind === kind);
  if (findingsOfKind.length === 0) return '';
  const { title, meaning, level } = FINDING_TEXTS[kind];
  const illustrated = findingsOfKind.filter((entry) => (images.findings.get(entry) ?? []).length > 0);
  const isPaired = findingsOfKind[0]!.other !== undefined;
  const gallery = illustrated.map((entry) => findingFigure(entry, images.findings.get(entry)!)).join('');
  return `<div class="finding ${level}"><h3>${escapeHtml(title)} <span>${findingsOfKind.length}</span></h3>
<p>${escapeHtml(meaning)}</p>
${gallery === '' ? '' : `<div class="found${isPaired ? ' pairs' : ''}">${gallery}</div>`}
${illustrated.length === findingsOfKind.length ? '' : nameList(findingsOfKind, illustrated.length === 0)}</div>`;
}

function findingFigure({ file, detail }: Finding, thumbnails: readonly Thumbnail[]): string {
  const tags = thumbnails.map((thumbnail) => imageTag(thumbnail)).join('');
  const side = thumbnails.length > 1 ? `<div class="side">${tags}</div>` : tags;
  return `<figure>${side}<figcaption>${escapeHtml(file)}: ${escapeHtml(detail)}</figcaption></figure>`;
}

function nameList(listed: readonly Finding[], isOpen: boolean): string {
  const items = listed
    .slice(0, NAMES_SHOWN)
    .map(({ file, detail }) => `<li>${escapeHtml(`${file}: ${detail}`)}</li>`);
  const rest = listed.length - items.length;
  if (rest > 0) items.push(`<li>and ${rest} more</li>`);
  const list = `<ul class="names">${items.join('')}</ul>`;
  return isOpen ? list : `<details><summary>All names</summary>${list}</details>`;
}

function imageTag({ file, webp }: Thumbnail): string {
  const name = escapeHtml(file);
  return `<img src="data:image/webp;base64,${Buffer.from(webp).toString('base64')}" alt="${name}" title="${name}" loading="lazy">`;
}

// Folders

const ROWS: ReadonlyArray<readonly [name: string, cell: (folder: FolderStatistics) => string]> = [
  ['Images', ({ files }) => String(files)],
  ['Readable', ({ readable }) => String(readable)],
  ['Width, px', ({ width }) => (width ? formatSpread(width) : '–')],
  ['Height, px', ({ height }) => (height ? formatSpread(height) : '–')],
  ['File size', ({ bytes }) => (bytes ? formatSpread(bytes, formatSize) : '–')],
  ['Total size', ({ bytes }) => (bytes ? formatSize(bytes.total) : '–')],
  ['Formats', ({ formats }) => tally(formats)],
  ['Mean colour', ({ colour }) => (colour ? `${swatch(colour.mean)}${rounded(colour.mean)}` : '–')],
  ['Deviation', ({ colour }) => (colour ? rounded(colour.deviation) : '–')],
  ['Other files', ({ otherFiles }) => tally(otherFiles)],
];

function tally(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name || 'without extension'}`);
  return parts.length === 0 ? '–' : escapeHtml(parts.join(', '));
}

function rounded(values: readonly number[]): string {
  return values.map((value) => Math.round(value)).join(' ');
}

function swatch(mean: readonly number[]): string {
  return `<span class="swatch" style="background:rgb(${rounded(mean)})"></span>`;
}

function folderTable({ folders }: DatasetCheck): string {
  const entries = Object.entries(folders);
  const head = entries.map(([name]) => `<th scope="col">${name}</th>`).join('');
  const rows = ROWS.map(([name, cell]) => {
    const cells = entries.map(([, folder]) => `<td>${cell(folder)}</td>`).join('');
    return `<tr><th scope="row">${name}</th>${cells}</tr>`;
  });
  return `<div class="wide" tabindex="0" role="region" aria-label="Figures of the folders"><table>
<thead><tr><th scope="col"></th>${head}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

function charts({ folders }: DatasetCheck): string {
  const seriesOf = (key: 'brightness' | 'saturation') =>
    Object.entries(folders).flatMap(([name, folder]) => {
      const values = folder[key];
      return values === undefined ? [] : [{ name, values }];
    });
  return `<div class="charts">${histogram('Brightness', ['dark', 'bright'], seriesOf('brightness'))}
${histogram('Saturation', ['grey', 'vivid'], seriesOf('saturation'))}</div>`;
}

/** A and B have their own colours; test folders are dashed. */
function lineClass(name: string): string {
  return `line c${name.endsWith('A') ? 0 : 1}${name.startsWith('test') ? ' dashed' : ''}`;
}

function histogram(
  title: string,
  ends: readonly [string, string],
  series: ReadonlyArray<{ name: string; values: readonly number[] }>,
): string {
  if (series.length === 0) return '';
  const { width, height, left, right, top, bottom } = CHART;
  const highest = Math.max(...series.flatMap(({ values }) => values));
  const base = height - bottom;
  const lines = series.map(({ name, values }) => {
    const points = values.map((value, i) => {
      const x = left + ((width - left - right) * (i + 0.5)) / HISTOGRAM_BINS;
      return `${x.toFixed(1)} ${(base - ((base - top) * value) / highest).toFixed(1)}`;
    });
    return `<path class="${lineClass(name)}" d="M${points.join('L')}"/>`;
  });
  const keys = series.map(
    ({ name }) =>
      `<li><svg class="key" viewBox="0 0 16 4" aria-hidden="true"><path class="${lineClass(name)}" d="M0 2H16"/></svg><span>${name}</span></li>`,
  );
  return `<figure class="chart"><figcaption><h3>${title}</h3><span class="scale">share of the pixels</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title} of the pixels in ${series.map(({ name }) => name).join(', ')}"><path class="axis" d="M${left} ${base}H${width - right}"/>${lines.join('')}<text x="${left}" y="${height - 4}">${ends[0]}</text><text x="${width - right}" y="${height - 4}" text-anchor="end">${ends[1]}</text></svg>
<ul class="legend">${keys.join('')}</ul></figure>`;
}

// Contact sheets

function sheets({ folders }: DatasetCheck, images: CheckThumbnails): string {
  return Object.entries(folders)
    .map(([name, { files }]) => {
      const shown = images.sheets[name as keyof CheckThumbnails['sheets']] ?? [];
      const body =
        shown.length === 0
          ? '<p class="empty">No images.</p>'
          : `<div class="sheet">${shown.map(imageTag).join('')}</div>`;
      return `<h3>${name}: ${shown.length} of ${countOf(files, 'image')}</h3>${body}`;
    })
    .join('\n');
}
