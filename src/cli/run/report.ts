// What `gnr report` does.
import { writeRunReport } from '../../train/log/run-report.js';
import { printLine } from '../output.js';
import type { ReportArguments } from '../report.js';

/** Writes the page and prints its path. */
export async function run({ run: runDir }: ReportArguments): Promise<void> {
  printLine(await writeRunReport(runDir));
}
