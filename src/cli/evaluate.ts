// gnr evaluate: measures models, folders and baselines; repeats an evaluation with --verify; follows a whole run.
import { join } from 'node:path';
import type { Argv } from 'yargs';
import type { World } from '../distributed/world.js';
import type { EvaluateOptions, EvaluationEvent } from '../eval/evaluate-options.js';
import type { BaselineName } from '../eval/methods/baselines.js';
import type { Receipt } from '../eval/receipt.js';
import type { NamedFolder } from '../eval/sources.js';
import type { Difference, Verification } from '../eval/verify.js';
import { type ArgumentsOf, defineCommand } from './define-command.js';
import { withInterrupt } from './interrupt.js';
import { noteOtherFiles } from './other-files.js';
import { type Progress, printError, printJson, printLine, startProgress } from './output.js';

/** Parses `NAME=DIR`, or `DIR`, which gets the folder's name. */
async function parseFakes(fakes: readonly string[]): Promise<NamedFolder[]> {
  const { basename, resolve } = await import('node:path');
  return fakes.map((text) => {
    const at = text.indexOf('=');
    return at > 0
      ? { name: text.slice(0, at), folder: text.slice(at + 1) }
      : { name: basename(resolve(text)), folder: text };
  });
}

async function parseList(flag: string, text: string | undefined): Promise<string[] | undefined> {
  if (text === undefined) return undefined;
  const items = text.split(',').map((item) => item.trim());
  if (!items.includes('')) return items;
  const { InputError } = await import('../base/errors.js');
  throw new InputError({
    expected: `--${flag} to be names separated by commas`,
    found: JSON.stringify(text),
    remedy: 'remove the empty name',
  });
}

async function parseSeeds(text: string | undefined): Promise<number[] | undefined> {
  const seeds = (await parseList('seeds', text))?.map(Number);
  if (seeds === undefined || seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    return seeds;
  const { InputError } = await import('../base/errors.js');
  throw new InputError({
    expected: '--seeds to be whole numbers from 0 to 2^32 - 1, separated by commas',
    found: String(text),
    remedy: 'correct the numbers',
  });
}

async function parseBaselines(text: string): Promise<BaselineName[]> {
  const { BASELINES } = await import('../eval/methods/baselines.js');
  if (text === 'none') return [];
  if (text === 'all') return [...BASELINES];
  const names = (await parseList('baselines', text))!;
  const unknown = names.find((name) => !(BASELINES as readonly string[]).includes(name));
  if (unknown === undefined) return names as BaselineName[];
  const { InputError } = await import('../base/errors.js');
  throw new InputError({
    expected: `--baselines to be all, none, or some of ${BASELINES.join(', ')}`,
    found: unknown,
    remedy: 'use one of these names',
  });
}

/** Runs work that reports progress, which rank 0 shows in one line for each label, until Ctrl-C stops it. */
async function withProgress<T>(
  { isFirst }: World,
  work: (options: {
    signal: AbortSignal;
    onEvent?: (event: EvaluationEvent) => void;
    /** Ends the line of progress, before something is printed. */
    close: () => void;
  }) => Promise<T>,
): Promise<T> {
  let shown: { label: string; progress: Progress } | undefined;
  const close = () => {
    shown?.progress.finish();
    shown = undefined;
  };
  const onEvent = ({ label, done, total, unit }: EvaluationEvent) => {
    if (shown?.label !== label) {
      close();
      shown = { label, progress: startProgress({ label, total, unit }) };
    }
    shown.progress.update(done);
  };
  try {
    return await withInterrupt((signal) => work({ signal, ...(isFirst && { onEvent }), close }));
  } finally {
    close();
  }
}

/** The options of the library's `evaluate` that arguments stand for; rank 0 alone prints notes. */
async function optionsOf(args: EvaluateArguments, { isFirst }: World): Promise<EvaluateOptions> {
  const { run, checkpoint = run, data, inputs, real, protocol, styles, direction } = args;
  return {
    checkpoint,
    data,
    inputs,
    real,
    protocol,
    styles,
    direction,
    metrics: await parseList('metrics', args.metrics),
    seeds: await parseSeeds(args.seeds),
    fakes: await parseFakes(args.fake),
    baselines: await parseBaselines(args.baselines),
    ...(isFirst && {
      onSkipped: (dir, error) => printError(`gnr: skipped the damaged checkpoint ${dir}: ${error.message}`),
      onOtherFiles: noteOtherFiles(),
    }),
  };
}

async function evaluateOnce(args: EvaluateArguments, world: World): Promise<void> {
  const { evaluateTogether } = await import('../eval/evaluate.js');
  const { out, json } = args;
  const options = await optionsOf(args, world);
  await withProgress(world, async ({ close, ...callbacks }) => {
    const onMeasured = async (receipt: Receipt) => {
      close();
      if (world.isFirst) await printReceipt(receipt, json);
    };
    const { paths, problem } = await evaluateTogether({ ...options, ...callbacks, out, onMeasured }, world);
    close();
    if (!world.isFirst) return;
    if (problem !== undefined) printError(`gnr: no nearest training images: ${problem.message}`);
    if (!json && out !== undefined) for (const path of ['', ...paths]) printLine(path);
  });
}

async function printReceipt(receipt: Receipt, json: boolean): Promise<void> {
  if (json) return printJson(receipt);
  const { readPublished } = await import('../eval/published.js');
  const { terminalTable } = await import('../eval/report/terminal-table.js');
  // The terminal that mpirun makes has no width.
  const width = process.stdout.columns || 100;
  printLine(terminalTable(receipt, { width, published: await readPublished() }));
}

/** Makes the evaluation of a receipt again. */
async function verify(path: string, args: EvaluateArguments, world: World): Promise<Verification> {
  const { verifyReceipt } = await import('../eval/verify.js');
  const { run, checkpoint = run, data, inputs, real } = args;
  const fakes = await parseFakes(args.fake);
  return withProgress(world, ({ close: _, ...callbacks }) =>
    verifyReceipt(path, { checkpoint, data, inputs, real, fakes, world, ...callbacks }),
  );
}

/** Prints how a repeated evaluation compares. @throws RunError if something differs. */
async function printVerification(
  path: string,
  { figures, differences, software, images }: Verification,
  json: boolean,
): Promise<void> {
  const text = ({ what, before, now }: Difference) => `${what}: ${now} in place of ${before}`;
  for (const difference of software) printError(`gnr: the software differs: ${text(difference)}`);
  if (json) printJson({ reproduced: differences.length === 0, figures, differences });
  else if (differences.length === 0) printLine(`${figures} figures reproduced exactly.`);
  if (differences.length === 0) return;
  for (const difference of differences) printError(`gnr: ${text(difference)}`);
  for (const { role, change } of images) printError(`gnr: ${role}: ${change}`);
  const { RunError } = await import('../base/errors.js');
  throw new RunError(
    `The evaluation of ${path} was not reproduced: ${differences.length} differences, listed above. Restore the images, factors.json, weights or model that have changed, or evaluate again.`,
  );
}

async function evaluateRun(args: EvaluateArguments, world: World): Promise<void> {
  const { InputError } = await import('../base/errors.js');
  const { requestOf } = await import('../eval/evaluation-request.js');
  const { evaluateCheckpoints } = await import('../eval/checkpoint-curves.js');
  const { run, checkpoint = run, out, json } = args;
  if (checkpoint === undefined || out === undefined)
    throw new InputError({
      expected: '--every-checkpoint with a run and --out DIR',
      found: checkpoint === undefined ? 'no run' : 'no --out',
      remedy: 'run gnr evaluate RUN --every-checkpoint --data DIR --out DIR',
    });
  const options = await optionsOf({ ...args, baselines: 'none' }, world);
  await withProgress(world, async ({ close, ...callbacks }) => {
    const request = await requestOf({ ...options, ...callbacks }, world);
    const points = await evaluateCheckpoints(checkpoint, out, request);
    close();
    if (!world.isFirst) return;
    if (json) return printJson(points);
    for (const { step, figures } of points)
      printLine(
        `step ${step}: ${figures.map(({ title, value }) => `${title} ${value.toPrecision(4)}`).join(', ')}`,
      );
    printLine(join(out, 'curves.html'));
  });
}

/** @throws InputError for options that do not go together. */
async function checkTogether(args: EvaluateArguments): Promise<void> {
  const { run, checkpoint, verify: receipt, everyCheckpoint, fake, out, metrics, seeds, styles } = args;
  const clashes: [boolean, string, string][] = [
    [run !== undefined && checkpoint !== undefined, 'RUN or --checkpoint, not both', 'remove one of them'],
    [
      everyCheckpoint && fake.length > 0,
      '--every-checkpoint without --fake',
      'evaluate the folders with a separate command',
    ],
    [
      receipt !== undefined &&
        (everyCheckpoint || [out, metrics, seeds, styles].some((value) => value !== undefined)),
      '--verify without options that change what is measured or written',
      'remove them: the receipt has them',
    ],
  ];
  const { InputError } = await import('../base/errors.js');
  for (const [isWrong, expected, remedy] of clashes)
    if (isWrong) throw new InputError({ expected, found: 'both', remedy });
}

const evaluateOptions = (yargs: Argv) =>
  yargs
    .positional('run', {
      type: 'string',
      describe: 'A run, a checkpoint or an exported model (same as --checkpoint)',
    })
    .option('checkpoint', {
      type: 'string',
      describe: 'A checkpoint, a run (its newest), or an exported model',
    })
    .option('data', { type: 'string', describe: 'Dataset with trainA, trainB, testA, testB' })
    .option('inputs', { type: 'string', describe: "Input images, in place of the dataset's" })
    .option('real', {
      type: 'string',
      describe: "Real images to compare with, in place of the dataset's",
    })
    .option('fake', {
      type: 'string',
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "[NAME=]DIR: another method's images; may be repeated",
    })
    .option('out', { type: 'string', describe: 'Folder for receipt.json and report.html' })
    .option('protocol', {
      type: 'string',
      default: 'quick',
      describe: 'Name of a protocol, or a .json file',
    })
    .option('metrics', {
      type: 'string',
      describe: 'Metrics to measure, in place of the protocol: fid,kid,lpipsDiversity,...',
    })
    .option('styles', { type: 'number', describe: 'Outputs of each input, in place of the protocol' })
    .option('seeds', {
      type: 'string',
      describe: 'One repeat for each seed, in place of the protocol: 0,1,2',
    })
    .option('direction', {
      choices: ['A2B', 'B2A'] as const,
      describe: 'Direction, in place of the protocol',
    })
    .option('baselines', {
      type: 'string',
      default: 'all',
      describe: 'Baselines to measure: all, none, or names: identity,...',
    })
    .option('verify', { type: 'string', describe: 'Receipt of an evaluation to repeat and compare' })
    .option('everyCheckpoint', {
      alias: 'every-checkpoint',
      type: 'boolean',
      default: false,
      describe: 'Measure every checkpoint of a run and plot the figures over the steps',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print the receipt as JSON' })
    .example('$0 evaluate runs/first --data data --out evaluation', 'measure a run')
    .example(
      '$0 evaluate --real data/testB --fake ours=a --fake theirs=b',
      'compare folders, without a model',
    )
    .example('$0 evaluate --verify evaluation/receipt.json', 'repeat an evaluation and compare');

type EvaluateArguments = ArgumentsOf<typeof evaluateOptions>;

export const evaluateCommand = defineCommand({
  command: 'evaluate [run]',
  describe: 'Measure a model, folders of images and baselines (FID, KID, LPIPS, ...)',
  builder: evaluateOptions,
  handler: async (args) => {
    const { runTogether } = await import('./together.js');
    const { verify: receipt } = args;
    if (receipt !== undefined) {
      const verification = await runTogether(async (world) => {
        await checkTogether(args);
        return verify(receipt, args, world);
      });
      if (verification !== undefined) await printVerification(receipt, verification, args.json);
      return;
    }
    await runTogether(async (world) => {
      await checkTogether(args);
      return args.everyCheckpoint ? evaluateRun(args, world) : evaluateOnce(args, world);
    });
  },
});
