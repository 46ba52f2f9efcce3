// The receipt as a section of the report.
import { formatJson } from '../../base/json-text.js';
import { escapeHtml } from '../../report/html.js';
import type { Receipt } from '../receipt.js';
import { formatCount } from './figure-table.js';

/**
 * Renders everything that others need to measure the same: sources, hashes, seeds, software, protocol, and the command.
 */
export function receiptSection(receipt: Receipt, path: string): string {
  const { sources, model, images, factors, weights, software, protocol } = receipt;
  const groups: [title: string, rows: [name: string, value: string][]][] = [
    [
      'Made',
      [
        ['Date', text(receipt.created)],
        ['Seeds', text(protocol.seeds.join(', '))],
        ...(sources.data === null ? [] : [row('Dataset', code(sources.data))]),
        ...(sources.inputs === null ? [] : [row('Inputs', code(sources.inputs))]),
        ...(sources.real === null ? [] : [row('Real images', code(sources.real))]),
        ...sources.fakes.map(({ name, folder }) => row(`Outputs of ${name}`, code(folder))),
        ...(sources.baselines.length === 0 ? [] : [row('Baselines', text(sources.baselines.join(', ')))]),
      ],
    ],
    [
      'Model',
      model === null
        ? []
        : [
            ['Checkpoint', code(model.path)],
            ['Size', `${model.size} px`],
            ...(model.step === null ? [] : [row('Step', formatCount(model.step))]),
            ['SHA-256 of the weights', code(model.sha256)],
          ],
    ],
    [
      'Lists of images (SHA-256 over the hashes and names of the files)',
      images.map(({ role, folder, count, sha256 }) =>
        row(role, `${formatCount(count)} of ${code(folder)}<br>${code(sha256)}`),
      ),
    ],
    [
      'Factors of the sample dataset (SHA-256 of the file)',
      factors === undefined ? [] : [row('factors.json', code(factors.sha256))],
    ],
    [
      'Weights of the metrics (SHA-256 of the file)',
      weights.map(({ name, sha256, verified }) =>
        row(
          name,
          `${code(sha256)}<br>${verified ? 'the official file' : '<span class="bad">not verified</span>'}`,
        ),
      ),
    ],
    ['Software', Object.entries(software).map(([name, version]) => row(name, text(version)))],
  ];
  return `<section><h2>Receipt</h2>
<p class="intro">To repeat the evaluation and compare:</p>
<pre tabindex="0">npx gnr evaluate --verify ${escapeHtml(quoted(path))}</pre>
${groups.map(([title, rows]) => group(title, rows)).join('')}
<details><summary>Protocol</summary><pre tabindex="0">${escapeHtml(formatJson(protocol).trimEnd())}</pre></details></section>`;
}

const row = (name: string, value: string): [string, string] => [name, value];
const text = escapeHtml;
const code = (value: string) => `<code>${escapeHtml(value)}</code>`;

function group(title: string, rows: readonly [name: string, value: string][]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${value}</td></tr>`,
  );
  return `<details open><summary>${escapeHtml(title)}</summary><table class="list receipt"><tbody>${lines.join('\n')}</tbody></table></details>\n`;
}

/** Quotes an argument for a shell. */
export function quoted(argument: string): string {
  return /^[\w./@%+=:,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
