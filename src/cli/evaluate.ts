import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { Evaluation, EvaluationRequest } from '../eval/evaluation.js';
import type { EvaluationEvent } from '../eval/measure-methods.js';
import type { BaselineName } from '../eval/methods/baselines.js';
import type { Receipt } from '../eval/receipt.js';
import { withInterrupt } from './interrupt.js';
import { type Progress, printError, printJson, printLine, startProgress } from './output.js';

interface EvaluateArguments {
  run: string | undefined;
  checkpoint: string | undefined;
  data: string | undefined;
  inputs: string | undefined;
  real: string | undefined;
  fake: string[];
  out: string | undefined;
  protocol: string;
  metrics: string | undefined;
  styles: number | undefined;
  seeds: string | undefined;
  direction: 'A2B' | 'B2A' | undefined;
  baselines: string;
  verify: string | undefined;
  everyCheckpoint: boolean;
  json: boolean;
}

/** `NAME=DIR`, or `DIR`, which is called as the folder is. */
async function parseFakes(fakes: readonly string[]): Promise<{ name: string; folder: string }[]> {
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
    expected: `--${flag} to be names with commas between`,
    found: JSON.stringify(text),
    remedy: 'change it',
  });
}

async function parseSeeds(text: string | undefined): Promise<number[] | undefined> {
  const seeds = (await parseList('seeds', text))?.map(Number);
  if (seeds === undefined || seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    return seeds;
  const { InputError } = await import('../base/errors.js');
  throw new InputError({
    expected: '--seeds to be whole numbers from 0 to 2^32 - 1 with commas between',
    found: String(text),
    remedy: 'change it',
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
    remedy: 'change it',
  });
}

/** Shows what goes on, one line for each label. */
function showProgress(): {
  onEvent: (event: EvaluationEvent) => void;
  close: () => void;
} {
  let shown: { label: string; progress: Progress } | undefined;
  const close = () => {
    shown?.progress.finish();
    shown = undefined;
  };
  return {
    close,
    onEvent({ label, done, total, unit }) {
      if (shown?.label !== label) {
        close();
        shown = { label, progress: startProgress({ label, total, unit }) };
      }
      shown.progress.update(done);
    },
  };
}

async function requestOf(args: EvaluateArguments) {
  const { loadProtocol } = await import('../eval/protocols.js');
  const { loadEngine } = await import('../runtime/node.js');
  const protocol = loadProtocol(args.protocol, {
    metrics: await parseList('metrics', args.metrics),
    styles: args.styles,
    seeds: await parseSeeds(args.seeds),
    direction: args.direction,
  });
  const { run, checkpoint = run, data, inputs, real } = args;
  return {
    protocol,
    checkpoint,
    data,
    inputs,
    real,
    fakes: await parseFakes(args.fake),
    baselines: await parseBaselines(args.baselines),
    engine: await loadEngine(),
    onSkipped: (dir: string, error: Error) =>
      printError(`gnr: passed over the damaged checkpoint ${dir}: ${error.message}`),
  };
}

async function evaluateOnce(args: EvaluateArguments): Promise<void> {
  const { out, json } = args;
  const request = await requestOf(args);
  // What cannot be written is told before anything is measured.
  if (out !== undefined) await (await import('../eval/write.js')).prepareFolder(out);
  const display = showProgress();
  const { runEvaluation } = await import('../eval/evaluation.js');
  try {
    await withInterrupt(async (signal) => {
      const options = { signal, onEvent: display.onEvent };
      const evaluation = await runEvaluation({ ...request, ...options });
      try {
        display.close();
        await tell(evaluation, json);
        if (out === undefined) return;
        const { writeEvaluation } = await import('../eval/write.js');
        const { paths, problem } = await writeEvaluation(evaluation, out, options);
        display.close();
        if (problem !== undefined) printError(`gnr: no nearest training images: ${problem.message}`);
        if (!json) for (const path of ['', ...paths]) printLine(path);
      } finally {
        await evaluation.resources.close();
      }
    });
  } finally {
    display.close();
  }
}

async function tell({ receipt }: Evaluation, json: boolean): Promise<void> {
  if (json) return printJson(receipt);
  const { readPublished } = await import('../eval/published.js');
  const { terminalTable } = await import('../eval/report/terminal-table.js');
  const width = process.stdout.columns ?? 100;
  printLine(terminalTable(receipt, { width, published: await readPublished() }));
}

/** The request that made a receipt, with what the command line names in place of it. */
async function requestAgain(receipt: Receipt, args: EvaluateArguments): Promise<EvaluationRequest> {
  const { data, inputs, real, fakes, baselines } = receipt.sources;
  const { loadEngine } = await import('../runtime/node.js');
  return {
    protocol: receipt.protocol,
    checkpoint: args.checkpoint ?? args.run ?? receipt.model?.path,
    data: args.data ?? data ?? undefined,
    inputs: args.inputs ?? inputs ?? undefined,
    real: args.real ?? real ?? undefined,
    fakes: args.fake.length > 0 ? await parseFakes(args.fake) : fakes,
    baselines: baselines as BaselineName[],
    engine: await loadEngine(),
  };
}

async function verify(path: string, args: EvaluateArguments): Promise<void> {
  const { readReceipt } = await import('../eval/verify.js');
  const { runEvaluation } = await import('../eval/evaluation.js');
  const before = await readReceipt(path);
  const request = await requestAgain(before, args);
  const display = showProgress();
  try {
    await withInterrupt(async (signal) => {
      const evaluation = await runEvaluation({ ...request, signal, onEvent: display.onEvent });
      await evaluation.resources.close();
      display.close();
      await tellDifferences(path, before, evaluation, args.json);
    });
  } finally {
    display.close();
  }
}

/** @throws RunError where something differs. */
async function tellDifferences(
  path: string,
  before: Receipt,
  { receipt, lists }: Evaluation,
  json: boolean,
): Promise<void> {
  const { changedImages, compareReceipts, compareSoftware } = await import('../eval/verify.js');
  const differences = compareReceipts(before, receipt);
  const figures = receipt.methods.reduce((sum, { figures: all }) => sum + all.length, 0);
  for (const { what, before: then, now } of compareSoftware(before, receipt))
    printError(`gnr: other software than then: ${what} ${now} in place of ${then}`);
  if (json) printJson({ reproduced: differences.length === 0, figures, differences });
  else if (differences.length === 0) printLine(`${figures} figures reproduced exactly.`);
  if (differences.length === 0) return;
  for (const { what, before: then, now } of differences)
    printError(`gnr: ${what}: ${now} in place of ${then}`);
  for (const list of lists)
    if (differences.some(({ what }) => what === `the images of ${list.role}`))
      for (const change of await changedImages(path, list)) printError(`gnr: ${list.role}: ${change}`);
  const { RunError } = await import('../base/errors.js');
  throw new RunError(
    `The evaluation of ${path} was not reproduced: ${differences.length} differences, named above. Put back the images, weights or model that have changed, or evaluate anew.`,
  );
}

async function evaluateRun(args: EvaluateArguments): Promise<void> {
  const { InputError } = await import('../base/errors.js');
  const { run, checkpoint = run, out, json } = args;
  if (checkpoint === undefined || out === undefined)
    throw new InputError({
      expected: '--every-checkpoint with a run and --out DIR',
      found: checkpoint === undefined ? 'no run' : 'no --out',
      remedy: 'gnr evaluate RUN --every-checkpoint --data DIR --out DIR',
    });
  const request = await requestOf({ ...args, baselines: 'none' });
  const display = showProgress();
  const { evaluateCheckpoints } = await import('../eval/checkpoint-curves.js');
  try {
    await withInterrupt(async (signal) => {
      const options = { ...request, signal, onEvent: display.onEvent };
      const course = await evaluateCheckpoints(checkpoint, out, options);
      display.close();
      if (json) return printJson(course);
      for (const { step, figures } of course)
        printLine(
          `step ${step}: ${figures.map(({ title, value }) => `${title} ${value.toPrecision(4)}`).join(', ')}`,
        );
      printLine(join(out, 'course.html'));
    });
  } finally {
    display.close();
  }
}

/** @throws InputError for options that do not go together. */
async function checkTogether(args: EvaluateArguments): Promise<void> {
  const { run, checkpoint, verify: receipt, everyCheckpoint, fake, out, metrics, seeds, styles } = args;
  const clashes: [boolean, string, string][] = [
    [run !== undefined && checkpoint !== undefined, 'RUN or --checkpoint, not both', 'leave one out'],
    [
      everyCheckpoint && fake.length > 0,
      '--every-checkpoint without --fake',
      'evaluate folders by themselves',
    ],
    [
      receipt !== undefined &&
        (everyCheckpoint || [out, metrics, seeds, styles].some((value) => value !== undefined)),
      '--verify without options that change what is measured or written',
      'leave them out: the receipt has them',
    ],
  ];
  const { InputError } = await import('../base/errors.js');
  for (const [isWrong, expected, remedy] of clashes)
    if (isWrong) throw new InputError({ expected, found: 'both', remedy });
}

export const evaluateCommand: CommandModule<object, EvaluateArguments> = {
  command: 'evaluate [run]',
  describe: 'Measure a model, folders of images and baselines (FID, KID, LPIPS, ...)',
  builder: (yargs) =>
    yargs
      .positional('run', {
        type: 'string',
        describe: 'A run, a checkpoint or an exported model (as --checkpoint)',
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
        describe: "[NAME=]DIR: another method's images; as many as you like",
      })
      .option('out', { type: 'string', describe: 'Folder for receipt.json and report.html' })
      .option('protocol', {
        type: 'string',
        default: 'quick',
        describe: 'Name of a protocol, or a .json file',
      })
      .option('metrics', { type: 'string', describe: 'Only these: fid,kid,lpipsDiversity,...' })
      .option('styles', { type: 'number', describe: 'Outputs of each input, in place of the protocol' })
      .option('seeds', { type: 'string', describe: 'A repeat for each, in place of the protocol: 0,1,2' })
      .option('direction', { choices: ['A2B', 'B2A'] as const, describe: 'In place of the protocol' })
      .option('baselines', { type: 'string', default: 'all', describe: 'all, none, or names: identity,...' })
      .option('verify', { type: 'string', describe: 'Receipt of an evaluation to make again and compare' })
      .option('everyCheckpoint', {
        alias: 'every-checkpoint',
        type: 'boolean',
        default: false,
        describe: 'All checkpoints of a run, and their figures over training',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print the receipt as JSON' })
      .example('$0 evaluate runs/first --data data --out evaluation', 'a look at a run')
      .example('$0 evaluate --real data/testB --fake ours=a --fake theirs=b', 'folders alone')
      .example('$0 evaluate --verify evaluation/receipt.json', 'the same again, compared'),
  handler: async (args) => {
    await checkTogether(args);
    if (args.verify !== undefined) return verify(args.verify, args);
    return args.everyCheckpoint ? evaluateRun(args) : evaluateOnce(args);
  },
};
