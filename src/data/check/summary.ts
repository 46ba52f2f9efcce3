// Texts that the page and the terminal share about a dataset check.
import { countOf } from '../../base/count-of.js';
import type { DatasetCheck } from './dataset-check.js';
import type { Spread } from './statistics.js';

/** A file size for reading, finer than `formatBytes`: 1.2 kB, 3.4 MB, 1.20 GB. */
export function formatSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}

/** Counts of images, problems and notes, in one line. */
export function summaryOf({ folders, problems, notes }: DatasetCheck): string {
  const files = Object.values(folders).reduce((sum, folder) => sum + folder.files, 0);
  const findings =
    problems + notes === 0 ? 'nothing wrong' : `${countOf(problems, 'problem')}, ${countOf(notes, 'note')}`;
  return `${countOf(files, 'image')}: ${findings}`;
}

/** "256 px", or smallest, largest and median. */
export function formatSpread(
  { min, median, max }: Spread,
  format: (value: number) => string = String,
): string {
  return min === max ? format(min) : `${format(min)} to ${format(max)}, median ${format(median)}`;
}
