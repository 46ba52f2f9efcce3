import { createRequire } from 'node:module';
import type { CardFacts } from './card.js';
import type { ComparisonInputs } from './comparison.js';
import type { ExportSource } from './source.js';

/** What every format that is a folder is made from. */
export interface FolderExport {
  source: ExportSource;
  /** The folder; see `writeExportFolder` for what may be there. */
  out: string;
  inputs: ComparisonInputs;
  card: Omit<CardFacts, 'source' | 'inputs'>;
  /** Is told how many of all steps of the work are done. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The version of this package. */
export function packageVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string };
  return manifest.version;
}
