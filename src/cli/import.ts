import type { CommandModule } from 'yargs';
import { printError, printLine, startProgress } from './output.js';

interface ImportArguments {
  file: string;
  out: string;
  set: string[] | undefined;
}

/** The value of a config key such as `model.mappingRate`. */
function valueAt(config: unknown, key: string): unknown {
  return key.split('.').reduce((tree, name) => (tree as Record<string, unknown>)[name], config);
}

export const importCommand: CommandModule<object, ImportArguments> = {
  command: 'import <file>',
  describe: 'Import a PyTorch checkpoint of the reference implementation',
  builder: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'File that torch.save wrote (ck.pt), of either branch',
      })
      .option('out', { type: 'string', demandOption: true, describe: 'New folder for the run or the model' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Config key that the file does not tell, KEY=VALUE; may be repeated',
      })
      .example('$0 import ck.pt --out runs/official', '')
      .example('$0 translate me.jpg --checkpoint runs/official --out anime', 'with the imported model'),
  handler: async ({ file, out, set = [] }) => {
    const { importReferenceCheckpoint } = await import('../checkpoint/reference/import.js');
    let progress: ReturnType<typeof startProgress> | undefined;
    const onProgress = (doneBytes: number, totalBytes: number): void => {
      progress ??= startProgress({ label: 'importing', total: totalBytes, unit: 'bytes' });
      progress.update(doneBytes);
    };
    const report = await importReferenceCheckpoint(file, out, { overrides: set, onProgress }).finally(() =>
      progress?.finish(),
    );
    const { variant, size, numDown } = report.config.model;
    printLine(
      `Imported ${report.networks.join(', ')}: variant ${variant}, ${size} px, numDown ${numDown}, ${report.step} steps.`,
    );
    if (report.unresolved.length > 0) {
      const shown = report.unresolved.map((key) => {
        const value = valueAt(report.config, key);
        return typeof value === 'object' ? `${key} of variant ${variant}` : `${key} ${JSON.stringify(value)}`;
      });
      printError(`gnr: not told by the file: ${shown.join(', ')}; change with --set KEY=VALUE`);
    }
    for (const note of report.notes) printError(`gnr: ${note}`);
    printLine(report.dir);
    if (report.kind === 'run')
      printLine(`Go on training with: gnr train --out ${out} --resume --set data.root=DIR`);
  },
};
