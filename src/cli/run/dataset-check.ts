// What `gnr dataset check` does.
import { writeFileAtomic } from '../../base/atomic-files.js';
import { removeLeftoversOf } from '../../base/leftovers.js';
import { checkDataset, type DatasetCheck } from '../../data/check/dataset-check.js';
import { checkPage } from '../../data/check/page.js';
import { drawCheckThumbnails } from '../../data/check/thumbnails.js';
import type { CheckArguments } from '../dataset-check.js';
import { withInterrupt } from '../interrupt.js';
import { type Progress, printJson, printLine, startProgress } from '../output.js';
import { checkText } from './dataset-check-text.js';

/** Checks the dataset, and writes the page if one is asked for. */
async function examine(args: CheckArguments, signal: AbortSignal): Promise<DatasetCheck> {
  const { dir, size, aspect, distance: distanceBits, seed, html } = args;
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number): void => {
    progress ??= startProgress({ label: 'checking', total, unit: 'images' });
    progress.update(done);
  };
  try {
    const check = await checkDataset({ dir, size, aspect, distanceBits, onProgress, signal });
    if (html !== undefined) {
      await removeLeftoversOf(html);
      await writeFileAtomic(html, checkPage(check, await drawCheckThumbnails(check, { seed, signal })));
    }
    return check;
  } finally {
    progress?.finish();
  }
}

/** Prints what the check found; problems that are not allowed make the exit code 1. */
export async function run(args: CheckArguments): Promise<void> {
  const { allow, html, json } = args;
  const check = await withInterrupt((signal) => examine(args, signal));
  if (json) printJson(check);
  else printLine(checkText(check));
  if (!json && html !== undefined) printLine(`${html}: the same with images`);
  const counted = check.findings.filter(({ kind, level }) => level === 'problem' && !allow.includes(kind));
  if (counted.length > 0) process.exitCode = 1;
}
