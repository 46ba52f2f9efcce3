import type { DatasetCheck } from '../data/check/dataset-check.js';
import { FINDING_KINDS, FINDING_TEXTS, type FindingKind } from '../data/check/findings.js';
import type { FolderStatistics, Spread } from '../data/check/statistics.js';

const NAMES_SHOWN = 10;

/** "1 problem", "3 problems". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Bytes for reading. */
export function formatSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}

/** What there is, in one line: pictures, problems, notes. */
export function summaryOf({ folders, problems, notes }: DatasetCheck): string {
  const files = Object.values(folders).reduce((sum, folder) => sum + folder.files, 0);
  const found =
    problems + notes === 0 ? 'nothing wrong' : `${countOf(problems, 'problem')}, ${countOf(notes, 'note')}`;
  return `${countOf(files, 'picture')}: ${found}`;
}

/** "256 px", or smallest, median and largest. */
export function formatSpread(
  { min, median, max }: Spread,
  format: (value: number) => string = String,
): string {
  return min === max ? format(min) : `${format(min)} to ${format(max)}, median ${format(median)}`;
}

function kindLines(check: DatasetCheck, kind: FindingKind): string[] {
  const found = check.findings.filter((entry) => entry.kind === kind);
  if (found.length === 0) return [];
  const { title, meaning, level } = FINDING_TEXTS[kind];
  const lines = found.slice(0, NAMES_SHOWN).map(({ file, detail }) => `  ${file}: ${detail}`);
  if (found.length > NAMES_SHOWN) lines.push(`  and ${found.length - NAMES_SHOWN} more`);
  return [
    `${level === 'problem' ? 'Problem' : 'Note'}: ${title} (${found.length})`,
    ...lines,
    `  ${meaning}`,
    '',
  ];
}

function folderLines(name: string, folder: FolderStatistics): string[] {
  const { files, readable, otherFiles, formats, width, height, bytes, colour } = folder;
  const others = Object.entries(otherFiles).map(
    ([extension, count]) => `${count} ${extension || 'without extension'}`,
  );
  const lines = [
    `${name}: ${countOf(files, 'picture')}${readable < files ? `, ${readable} of them readable` : ''}`,
  ];
  if (width && height && bytes && colour) {
    const round = (values: readonly number[]) => values.map((value) => Math.round(value)).join(' ');
    lines.push(
      `  formats    ${Object.entries(formats)
        .map(([format, count]) => `${count} ${format}`)
        .join(', ')}; ${formatSize(bytes.total)}`,
      `  width      ${formatSpread(width)} px`,
      `  height     ${formatSpread(height)} px`,
      `  colour     mean ${round(colour.mean)}, deviation ${round(colour.deviation)} (red green blue, 0 to 255)`,
    );
  }
  if (others.length > 0) lines.push(`  passed over: other files (${others.join(', ')})`);
  return lines;
}

/** The check for reading on a terminal: findings, the worst first, then the folders, then the summary. */
export function checkText(check: DatasetCheck): string {
  const lines = [
    ...FINDING_KINDS.flatMap((kind) => kindLines(check, kind)),
    ...Object.entries(check.folders).flatMap(([name, folder]) => folderLines(name, folder)),
    '',
    `${check.dir}: ${summaryOf(check)}`,
  ];
  return lines.join('\n');
}
