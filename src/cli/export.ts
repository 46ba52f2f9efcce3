import type { Argv, CommandModule } from 'yargs';
import type { Comparison, ComparisonInputs } from '../export/comparison.js';
import type { FolderExport } from '../export/formats.js';
import type { ExportSource } from '../export/source.js';
import { withInterrupt } from './interrupt.js';
import { printError, printLine, startProgress } from './output.js';

interface ExportArguments {
  checkpoint: string | undefined;
  format: Format;
  out: string;
  precision: 'float32' | 'float16' | undefined;
  direction: 'A2B' | 'B2A' | undefined;
  compare: string | undefined;
  receipt: string | undefined;
  license: string | undefined;
  data: string | undefined;
}

interface ExportRequest {
  args: ExportArguments;
  source: ExportSource;
  inputs: ComparisonInputs;
  /** Shows progress under a unit; several calls are one display. */
  onProgress: (unit: string) => (done: number, total: number) => void;
  signal: AbortSignal;
}

/** What an export gives: what it was compared on, and lines that say what was exported. */
interface Exported {
  comparisons: Comparison[];
  told: string;
}

/** Writes a PyTorch checkpoint of the reference implementation: under its name when it has been compared. */
async function exportTorch({ args, source, inputs, onProgress, signal }: ExportRequest): Promise<Exported> {
  const { basename, dirname, resolve } = await import('node:path');
  const { removeLeftovers, replaceEntry } = await import('../base/atomic-files.js');
  const { exportReferenceCheckpoint } = await import('../checkpoint/reference/export.js');
  const { checkDifferences } = await import('../export/comparison.js');
  const { stopIfAborted } = await import('../export/export-folder.js');
  const { compareTorchFile } = await import('../export/torch-check.js');
  const { learningRateAt } = await import('../optim/schedule.js');
  const { lazyBetas } = await import('../optim/adam.js');
  const show = onProgress('bytes');
  let told = '';
  let comparisons: Comparison[] = [];
  // Of an export that was killed.
  await removeLeftovers(dirname(resolve(args.out)), basename(resolve(args.out)));
  await replaceEntry(args.out, async (temporary) => {
    const { dir, step, keys } = await exportReferenceCheckpoint(source.dir, temporary, {
      settings: ({ training }, stepsDone) => {
        const learningRate = learningRateAt(stepsDone, training);
        const betas = { first: training.betas[0], second: training.betas[1] };
        return {
          G_optim: { learningRate, betas },
          D_optim: { learningRate, betas: lazyBetas(betas, training.r1EverySteps) },
        };
      },
      onProgress: (doneBytes, totalBytes) => {
        stopIfAborted(signal);
        show(doneBytes, totalBytes);
      },
    });
    comparisons = await compareTorchFile(temporary, source, inputs);
    checkDifferences(comparisons, args.out);
    stopIfAborted(signal);
    told = `Exported ${keys.join(', ')} of ${dir} (${step} steps):`;
  });
  return { comparisons, told };
}

/** What the formats that are folders are made from. */
async function folderExport({
  args,
  source,
  inputs,
  onProgress,
  signal,
}: ExportRequest): Promise<FolderExport> {
  const { readMetricsReceipt } = await import('../export/metrics-receipt.js');
  const receipt =
    args.receipt === undefined ? undefined : await readMetricsReceipt(args.receipt, source.sha256);
  const card = { licence: args.license, data: args.data, receipt };
  return { source, out: args.out, inputs, card, onProgress: onProgress('steps'), signal };
}

function toldOf({ dir, step }: ExportSource): string {
  return `Exported ${dir}${step === undefined ? '' : ` (${step} steps)`}:`;
}

async function exportSafetensors(request: ExportRequest): Promise<Exported> {
  const { exportSafetensors: write } = await import('../export/safetensors-export.js');
  const comparisons = await write(await folderExport(request), request.args.precision ?? 'float32');
  return { comparisons, told: toldOf(request.source) };
}

async function exportOnnx(request: ExportRequest): Promise<Exported> {
  const { exportOnnx: write } = await import('../export/onnx-export.js');
  const { precision, direction = 'A2B' } = request.args;
  const precisions = precision === undefined ? (['float32', 'float16'] as const) : [precision];
  const comparisons = await write(await folderExport(request), { direction, precisions });
  return { comparisons, told: toldOf(request.source) };
}

async function exportWebBundle(request: ExportRequest): Promise<Exported> {
  const { exportWebBundle: write } = await import('../export/web-bundle-export.js');
  const comparisons = await write(await folderExport(request), request.args.precision ?? 'float32');
  return { comparisons, told: toldOf(request.source) };
}

/** Options that only some formats know. */
const CARD_OPTIONS = ['precision', 'receipt', 'license', 'data'] as const;

/** What each format is, the options that are its own, and what writes it. A new one is a line here. */
const FORMATS = {
  safetensors: {
    describe: 'a model folder for this program (model.safetensors, config.json, a model card)',
    options: CARD_OPTIONS,
    isFolder: true,
    write: exportSafetensors,
  },
  onnx: {
    describe: 'ONNX models of one direction, float32 and float16',
    options: [...CARD_OPTIONS, 'direction'],
    isFolder: true,
    write: exportOnnx,
  },
  tfjs: {
    describe: 'a bundle for the browser',
    options: CARD_OPTIONS,
    isFolder: true,
    write: exportWebBundle,
  },
  pt: {
    describe: 'a PyTorch file, as the reference implementation loads it',
    options: [],
    isFolder: false,
    write: exportTorch,
  },
} as const;
type Format = keyof typeof FORMATS;

async function checkArguments(args: ExportArguments): Promise<void> {
  const { InputError } = await import('../base/errors.js');
  if (args.checkpoint === undefined)
    throw new InputError({
      expected: 'a checkpoint to export',
      found: 'none',
      remedy: 'name it: gnr export CKPT --format FORMAT --out DIR',
    });
  const { options, isFolder } = FORMATS[args.format];
  for (const name of [...CARD_OPTIONS, 'direction'] as const)
    if (args[name] !== undefined && !(options as readonly string[]).includes(name))
      throw new InputError({
        expected: `options of --format ${args.format}`,
        found: `--${name}`,
        remedy: 'leave it out, or choose another format',
      });
  if (args.license !== undefined && !/^[\w.+-]+$/.test(args.license))
    throw new InputError({
      expected: 'a licence identifier for --license, such as mit or cc-by-nc-4.0',
      found: JSON.stringify(args.license),
      remedy: 'use letters, digits and -, . or + alone',
    });
  if (!isFolder) {
    const { stat } = await import('node:fs/promises');
    const there = await stat(args.out).catch(() => undefined);
    if (there?.isDirectory())
      throw new InputError({
        expected: `--out to be the name of a file for --format ${args.format}`,
        found: `the folder ${args.out}`,
        remedy: `add a name, such as model.${args.format}`,
      });
    return;
  }
  const { refuseForeignFolder } = await import('../export/export-folder.js');
  await refuseForeignFolder(args.out);
}

async function runExport(args: ExportArguments): Promise<void> {
  await checkArguments(args);
  const { readExportSource } = await import('../export/source.js');
  const { comparisonInputs, formatDifference } = await import('../export/comparison.js');
  const source = await readExportSource(args.checkpoint!, {
    generators: args.format === 'pt' ? 'any' : 'both',
    onSkipped: (skipped, error) =>
      printError(`gnr: passed over the damaged checkpoint ${skipped}: ${error.message}`),
  });
  const inputs = await comparisonInputs(source.architecture, args.compare);
  const { loadEngine } = await import('../runtime/node.js');
  await loadEngine();
  let progress: ReturnType<typeof startProgress> | undefined;
  const onProgress =
    (unit: string) =>
    (done: number, total: number): void => {
      progress ??= startProgress({ label: 'exporting', total, unit });
      progress.update(done);
    };
  const { comparisons, told } = await withInterrupt((signal) =>
    FORMATS[args.format].write({ args, source, inputs, onProgress, signal }),
  ).finally(() => progress?.finish());
  printLine(told);
  printLine(args.out);
  printLine(`Read back and compared on ${inputs.told}; largest difference:`);
  for (const { what, difference, bound } of comparisons)
    printLine(`  ${what}: ${formatDifference(difference)} (allowed: ${bound})`);
}

export const exportCommand: CommandModule<object, ExportArguments> = {
  command: 'export [checkpoint]',
  describe: 'Export a model for other programs',
  builder: (yargs) =>
    yargs
      .positional('checkpoint', {
        type: 'string',
        describe: 'A checkpoint, a run (its newest), or an exported model; --checkpoint does too',
      })
      .option('format', {
        type: 'string',
        choices: Object.keys(FORMATS) as Format[],
        demandOption: true,
        describe: Object.entries(FORMATS)
          .map(([name, { describe }]) => `${name}: ${describe}`)
          .join('; '),
      })
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'Folder for the result, new or of an earlier export; for pt the file',
      })
      .option('precision', {
        type: 'string',
        choices: ['float32', 'float16'] as const,
        describe: 'How weights are kept; float32 where left out, and for onnx both',
      })
      .option('direction', {
        type: 'string',
        choices: ['A2B', 'B2A'] as const,
        describe: 'For onnx: photo to anime (A2B, where left out), or back',
      })
      .option('compare', {
        type: 'string',
        describe: 'Folder with pictures to compare the export on; drawn portraits where left out',
      })
      .option('receipt', {
        type: 'string',
        describe: 'Receipt of gnr evaluate (receipt.json), whose figures go onto the model card',
      })
      .option('license', { type: 'string', describe: 'Licence of the weights, for the model card: mit' })
      .option('data', { type: 'string', describe: 'What the model was trained on, for the model card' })
      .example('$0 export runs/first --format onnx --out exported', '')
      .example('$0 export runs/first --format pt --out ck.pt', '') as unknown as Argv<ExportArguments>,
  handler: (args) => runExport(args),
};
