// What `gnr import` does.
import { importReferenceCheckpoint } from '../../checkpoint/reference/import.js';
import type { ImportArguments } from '../import.js';
import { type Progress, printError, printLine, startProgress } from '../output.js';

/** The value of a config key such as `model.mappingRate`. */
function valueAt(config: unknown, key: string): unknown {
  return key.split('.').reduce((tree, name) => (tree as Record<string, unknown>)[name], config);
}

/** Imports the file and reports what it held, and which config keys it did not determine. */
export async function run({ file, out, as = [], set = [] }: ImportArguments): Promise<void> {
  let progress: Progress | undefined;
  const onProgress = (doneBytes: number, totalBytes: number): void => {
    progress ??= startProgress({ label: 'importing', total: totalBytes, unit: 'bytes' });
    progress.update(doneBytes);
  };
  const report = await importReferenceCheckpoint(file, out, { overrides: set, as, onProgress }).finally(() =>
    progress?.finish(),
  );
  const { variant, size, numDown } = report.config.model;
  printLine(
    `Imported ${report.networks.join(', ')}: variant ${variant}, ${size} px, numDown ${numDown}, ${report.step} steps.`,
  );
  if (report.unresolved.length > 0) {
    const assumed = report.unresolved.map((key) => {
      const value = valueAt(report.config, key);
      return typeof value === 'object' ? `${key} of variant ${variant}` : `${key} ${JSON.stringify(value)}`;
    });
    printError(`gnr: assumed, as the file does not say: ${assumed.join(', ')}; change with --set KEY=VALUE`);
  }
  for (const note of report.notes) printError(`gnr: ${note}`);
  printLine(report.dir);
  if (report.kind === 'run')
    printLine(`Continue training with: gnr train --out ${out} --resume --set data.root=DIR`);
}
