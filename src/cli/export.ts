import type { CommandModule } from 'yargs';
import { printError, printLine, startProgress } from './output.js';

interface ExportArguments {
  format: Format;
  checkpoint: string;
  out: string;
}

interface ExportRequest {
  checkpoint: string;
  out: string;
  onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** Writes a PyTorch checkpoint of the reference implementation. @returns lines to print. */
async function exportTorch({ checkpoint, out, onProgress }: ExportRequest): Promise<string[]> {
  const { exportReferenceCheckpoint } = await import('../checkpoint/reference/export.js');
  const { learningRateAt } = await import('../train/schedule.js');
  const { lazyBetas } = await import('../train/optimizer.js');
  const { dir, step, keys } = await exportReferenceCheckpoint(checkpoint, out, {
    settings: ({ training }, stepsDone) => {
      const learningRate = learningRateAt(stepsDone, training);
      const betas = { first: training.betas[0], second: training.betas[1] };
      return {
        G_optim: { learningRate, betas },
        D_optim: { learningRate, betas: lazyBetas(betas, training.r1EverySteps) },
      };
    },
    onProgress,
    onSkipped: (skipped, error) =>
      printError(`gnr: passed over the damaged checkpoint ${skipped}: ${error.message}`),
  });
  return [`Exported ${keys.join(', ')} of ${dir} (${step} steps):`, out];
}

/** What each format is, and what writes it. A new one is a line here. */
const FORMATS = {
  pt: { describe: 'PyTorch, as the reference implementation loads it', write: exportTorch },
} as const;
type Format = keyof typeof FORMATS;

export const exportCommand: CommandModule<object, ExportArguments> = {
  command: 'export',
  describe: 'Export a model for other programs',
  builder: (yargs) =>
    yargs
      .option('format', {
        type: 'string',
        choices: Object.keys(FORMATS) as Format[],
        demandOption: true,
        describe: Object.entries(FORMATS)
          .map(([name, { describe }]) => `${name}: ${describe}`)
          .join('; '),
      })
      .option('checkpoint', {
        type: 'string',
        demandOption: true,
        describe: 'A checkpoint, a run (its newest), or an exported model',
      })
      .option('out', { type: 'string', demandOption: true, describe: 'File for the result' })
      .example('$0 export --format pt --checkpoint runs/first --out ck.pt', ''),
  handler: async ({ format, checkpoint, out }) => {
    let progress: ReturnType<typeof startProgress> | undefined;
    const onProgress = (doneBytes: number, totalBytes: number): void => {
      progress ??= startProgress({ label: 'exporting', total: totalBytes, unit: 'bytes' });
      progress.update(doneBytes);
    };
    const lines = await FORMATS[format]
      .write({ checkpoint, out, onProgress })
      .finally(() => progress?.finish());
    for (const line of lines) printLine(line);
  },
};
