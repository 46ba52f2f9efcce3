// What `gnr weights import` does.
import { importWeights } from '../../weights/import.js';
import { withInterrupt } from '../interrupt.js';
import { type Progress, printLine, startProgress } from '../output.js';
import type { ImportArguments } from '../weights.js';

/** Imports the file and prints which weights it held, and where they are now. */
export async function run({ file, as, unverified }: ImportArguments): Promise<void> {
  let progress: Progress | undefined;
  const onProgress = (doneBytes: number, totalBytes: number): void => {
    progress ??= startProgress({ label: 'importing', total: totalBytes, unit: 'bytes' });
    progress.update(doneBytes);
  };
  const imported = await withInterrupt((signal) =>
    importWeights(file, { as, unverified, signal, onProgress }),
  ).finally(() => progress?.finish());
  for (const { name, verified, file: path } of imported)
    printLine(`${name}${verified ? '' : ' (unverified)'}: ${path}`);
}
