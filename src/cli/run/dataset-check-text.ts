// Prints a dataset check for reading on a terminal.
import { countOf } from '../../base/count-of.js';
import { shownPath } from '../../base/file-names.js';
import type { DatasetCheck } from '../../data/check/dataset-check.js';
import { FINDING_KINDS, FINDING_TEXTS, type FindingKind } from '../../data/check/findings.js';
import type { FolderStatistics } from '../../data/check/statistics.js';
import { formatSize, formatSpread, summaryOf } from '../../data/check/summary.js';

/** Names of files that are listed for each kind of finding. */
const NAMES_SHOWN = 10;

function kindLines(check: DatasetCheck, kind: FindingKind): string[] {
  const findings = check.findings.filter((entry) => entry.kind === kind);
  if (findings.length === 0) return [];
  const { title, meaning, level } = FINDING_TEXTS[kind];
  const lines = findings
    .slice(0, NAMES_SHOWN)
    .map(({ file, detail }) => `  ${shownPath(file)}: ${shownPath(detail)}`);
  if (findings.length > NAMES_SHOWN) lines.push(`  and ${findings.length - NAMES_SHOWN} more`);
  return [
    `${level === 'problem' ? 'Problem' : 'Note'}: ${title} (${findings.length})`,
    ...lines,
    `  ${meaning}`,
    '',
  ];
}

function folderLines(name: string, folder: FolderStatistics): string[] {
  const { files, readable, otherFiles, formats, width, height, bytes, colour } = folder;
  const otherCounts = Object.entries(otherFiles).map(
    ([extension, count]) => `${count} ${shownPath(extension) || 'without extension'}`,
  );
  const lines = [
    `${name}: ${countOf(files, 'image')}${readable < files ? `, ${readable} of them readable` : ''}`,
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
  if (otherCounts.length > 0) lines.push(`  skipped: other files (${otherCounts.join(', ')})`);
  return lines;
}

/** The check as lines of text: findings, the worst first, then the folders, then the summary. */
export function checkText(check: DatasetCheck): string {
  const lines = [
    ...FINDING_KINDS.flatMap((kind) => kindLines(check, kind)),
    ...Object.entries(check.folders).flatMap(([name, folder]) => folderLines(name, folder)),
    '',
    `${check.dir}: ${summaryOf(check)}`,
  ];
  return lines.join('\n');
}
