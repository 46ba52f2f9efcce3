// Exports a model as a PyTorch file that the reference implementation loads.
import { replaceFile } from '../base/atomic-files.js';
import { removeLeftoversOf } from '../base/leftovers.js';
import { type ExportReport, exportReferenceCheckpoint } from '../checkpoint/reference/export.js';
import { lazyBetas } from '../optim/adam.js';
import { betasAt, learningRateAt } from '../optim/schedule.js';
import { checkDifferences } from './comparison.js';
import type { Comparison } from './export-options.js';
import { type ExportTask, stopIfAborted } from './export-task.js';
import { compareTorchFile } from './torch-check.js';

/**
 * Writes a checkpoint of the reference implementation. The file gets its name after it was read back and compared.
 *
 * @throws InputError for a missing or damaged file of the checkpoint; RunError if the export differs by more than its bound
 *   or the disk is full; InterruptedError after `signal`. An earlier file is kept then.
 */
export async function exportTorch({
  source,
  out,
  inputs,
  onProgress,
  signal,
}: ExportTask): Promise<ExportReport & { comparisons: Comparison[] }> {
  // A killed export leaves a temporary file behind.
  await removeLeftoversOf(out);
  let result: (ExportReport & { comparisons: Comparison[] }) | undefined;
  await replaceFile(out, async (temporary) => {
    const report = await exportReferenceCheckpoint(source.dir, temporary, {
      settings: ({ training }, stepsDone) => {
        const learningRate = learningRateAt(stepsDone, training);
        const betas = betasAt(stepsDone, training);
        return {
          G_optim: { learningRate, betas },
          D_optim: { learningRate, betas: lazyBetas(betas, training.r1EverySteps) },
        };
      },
      onProgress: (doneBytes, totalBytes) => {
        stopIfAborted(signal);
        onProgress?.(doneBytes, totalBytes);
      },
    });
    const comparisons = await compareTorchFile(temporary, source, inputs);
    checkDifferences(comparisons, out);
    stopIfAborted(signal);
    result = { ...report, comparisons };
  });
  return result!;
}
