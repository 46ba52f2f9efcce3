// gnr export: exports a model for other programs.
import type { Argv } from 'yargs';
import { countOf } from '../base/count-of.js';
import type { ExportFormat } from '../export/export-options.js';
import { FORMATS } from '../export/formats.js';
import { type ArgumentsOf, defineCommand } from './define-command.js';
import { withInterrupt } from './interrupt.js';
import { printError, printLine } from './output.js';
import { startStages } from './stages.js';

async function runExport({ checkpoint, format, out, ...args }: ExportArguments): Promise<void> {
  if (checkpoint === undefined) {
    const { InputError } = await import('../base/errors.js');
    throw new InputError({
      expected: 'a checkpoint to export',
      found: 'none',
      remedy: 'name it: gnr export CKPT --format FORMAT --out DIR',
    });
  }
  const { exportModel } = await import('../export/export-model.js');
  const { formatDifference } = await import('../export/comparison.js');
  const { precision, direction, compare, receipt, license, data, average } = args;
  const stages = startStages();
  const { comparisons, comparedOn, dir, step, averagedCheckpoints, keys } = await withInterrupt((signal) =>
    exportModel(checkpoint, format, out, {
      ...{ precision, direction, compare, receipt, license, data, average, signal },
      onSkipped: (skipped, error) =>
        printError(`gnr: skipped the damaged checkpoint ${skipped}: ${error.message}`),
      onProgress: (done, total, unit) => {
        const label = unit === 'checkpoints' ? 'averaging' : 'exporting';
        stages.update({ label, total, unit }, done);
      },
    }),
  ).finally(() => stages.close());
  let subject = keys === undefined ? dir : `${keys.join(', ')} of ${dir}`;
  if (averagedCheckpoints !== undefined)
    subject = `the mean of ${countOf(averagedCheckpoints, 'checkpoint')} up to ${dir}`;
  printLine(`Exported ${subject}${step === undefined ? '' : ` (${countOf(step, 'step')})`}:`);
  printLine(out);
  printLine(`Read back and compared on ${comparedOn}; largest difference:`);
  for (const { what, difference, bound } of comparisons)
    printLine(`  ${what}: ${formatDifference(difference)} (allowed: ${bound})`);
}

const exportOptions = (yargs: Argv) =>
  yargs
    .positional('checkpoint', {
      type: 'string',
      describe:
        'A checkpoint, a run (its newest checkpoint), or an exported model; or name it with --checkpoint',
    })
    .option('format', {
      type: 'string',
      choices: Object.keys(FORMATS) as ExportFormat[],
      demandOption: true,
      describe: Object.entries(FORMATS)
        .map(([name, { describe }]) => `${name}: ${describe}`)
        .join('; '),
    })
    .option('out', {
      type: 'string',
      demandOption: true,
      describe: 'Folder of the result, new or of an earlier export; for pt the file',
    })
    .option('precision', {
      type: 'string',
      choices: ['float32', 'float16'] as const,
      describe: 'How weights are stored; default: float32, for onnx both',
    })
    .option('direction', {
      type: 'string',
      choices: ['A2B', 'B2A'] as const,
      describe: 'For onnx: photo to anime (A2B, the default), or back (B2A)',
    })
    .option('average', {
      type: 'number',
      describe:
        "For safetensors: the mean of the EMA weights of the run's checkpoints from this step on, where the EMA of the run was too short",
    })
    .option('compare', {
      type: 'string',
      describe: 'Folder with images to compare the export on; default: drawn portraits',
    })
    .option('receipt', {
      type: 'string',
      describe: 'Receipt of gnr evaluate (receipt.json); its figures go onto the model card',
    })
    .option('license', {
      type: 'string',
      describe: 'Licence of the weights for the model card, such as mit',
    })
    .option('data', { type: 'string', describe: 'What the model was trained on, for the model card' })
    .example('$0 export runs/first --format onnx --out exported', '')
    .example('$0 export runs/first --format pt --out ck.pt', '');

type ExportArguments = ArgumentsOf<typeof exportOptions>;

export const exportCommand = defineCommand({
  command: 'export [checkpoint]',
  describe: 'Export a model for other programs',
  builder: exportOptions,
  handler: (args) => runExport(args),
});
