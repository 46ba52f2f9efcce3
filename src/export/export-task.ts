// What an export is made from, whatever its format.
import { InterruptedError } from '../base/errors.js';
import type { CardFacts } from './card.js';
import type { ComparisonInputs } from './comparison.js';
import type { ExportSource } from './source.js';

/** What every export needs. */
export interface ExportTask {
  source: ExportSource;
  /** Where the export goes: a folder (see `writeExportFolder` for what may be there), or a file. */
  out: string;
  inputs: ComparisonInputs;
  /** Called with the finished part and the whole of the work: steps for a folder, bytes for a file. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What an export into a folder needs: the folder has a model card. */
export interface FolderExport extends ExportTask {
  card: Omit<CardFacts, 'source' | 'inputs'>;
}

/** @throws InterruptedError after `signal` was aborted. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError('the export was stopped; nothing was written');
}
