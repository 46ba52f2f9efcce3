// What `gnr doctor` does.
import type { DoctorArguments } from '../doctor.js';
import { printJson, printLine } from '../output.js';
import { examine, formatReport } from './doctor-report.js';

const EXIT_NOT_WORKING = 2;

/** Prints the report; the exit code says whether the engine works. */
export async function run({ json }: DoctorArguments): Promise<void> {
  const report = await examine();
  if (json) printJson(report);
  else printLine(formatReport(report));
  if (!report.ok) process.exitCode = EXIT_NOT_WORKING;
}
