// Parts of HTML pages: facts, warnings, embedded images.
import { escapeHtml } from './html.js';

/** A short fact at the top of a page: `{ label: 'Seconds per step', value: '0.42' }`. */
export interface ReportFact {
  label: string;
  value: string;
}

/** Facts as a list of terms in columns; empty if there are none. */
export function factList(items: readonly ReportFact[]): string {
  if (items.length === 0) return '';
  const rows = items.map(
    ({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl class="facts">${rows.join('')}</dl>`;
}

/** Important sentences in a box under a title; empty if there are none. */
export function warningBox(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const list = items.map((text) => `<li>${escapeHtml(text)}</li>`).join('');
  return `<aside class="warnings" aria-label="${escapeHtml(title)}"><h2>${escapeHtml(title)}</h2><ul>${list}</ul></aside>`;
}

/** An image file as the address of an `<img>`. */
export function dataAddress({ bytes, type }: { bytes: Uint8Array; type: string }): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
