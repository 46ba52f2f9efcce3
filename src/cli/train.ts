import type { Argv, CommandModule } from 'yargs';
import { formatDuration } from '../base/format-bytes.js';
import type { Config } from '../config/schema.js';
import type { EngineInfo } from '../runtime/node.js';
import type { TrainOptions } from '../train/loop.js';
import type { Translator } from '../translate/translator.js';
import { withInterrupt } from './interrupt.js';
import { formatPeak, type Progress, printLine, startProgress } from './output.js';
import { million, TrainingDisplay } from './training-display.js';

interface TrainArguments {
  config: string | undefined;
  out: string;
  set: string[] | undefined;
  resume: boolean;
  init: string | undefined;
  dryRun: boolean;
  steps: number | undefined;
}

/** The resolved config, and what its training will take on this machine. */
async function printForecast(config: Config, { device, threads }: EngineInfo): Promise<void> {
  const { formatConfig } = await import('../config/load.js');
  const { forecast } = await import('../train/forecast.js');
  printLine(formatConfig(config).trimEnd());
  let progress: Progress | undefined;
  const found = await forecast(config, (done, total) => {
    progress ??= startProgress({ label: 'timing steps', total, unit: 'steps' });
    progress.update(done);
  }).finally(() => progress?.finish());
  const { parameters, images, stepSeconds, totalSeconds } = found;
  const { size } = config.model;
  const { steps, batch, r1EverySteps } = config.training;
  const rows: [string, string][] = [
    [
      'parameters',
      `${million(parameters.generators)} generator, ${million(parameters.discriminators)} discriminator`,
    ],
    [
      'pictures',
      `${images.trainA} in trainA, ${images.trainB} in trainB; ${size} px, ${batch} of each a step`,
    ],
    [
      'a step',
      `${stepSeconds.plain.toFixed(2)} s, ${stepSeconds.withR1.toFixed(2)} s every ${r1EverySteps} (R1); ${device.toUpperCase()}, ${threads} threads`,
    ],
    ['the training', `${formatDuration(totalSeconds)} for ${steps} steps`],
    ['peak memory', formatPeak(found)],
  ];
  printLine();
  for (const [label, text] of rows) printLine(`${label.padEnd(14)}${text}`);
}

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train',
  describe: 'Train a model on two folders of pictures',
  builder: (yargs) =>
    yargs
      .option('config', { type: 'string', describe: 'Config file (JSON); see configs/' })
      .option('out', { type: 'string', demandOption: true, describe: 'Run directory' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Override of a config key, KEY=VALUE; may be repeated',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: "Go on from the run's newest checkpoint",
      })
      .option('init', {
        type: 'string',
        describe: 'Start with the weights of a run, a checkpoint, an exported model or a PyTorch file',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Print the config and what the training will take, from a few timed steps; write nothing',
      })
      .option('steps', {
        type: 'number',
        describe: 'Length of the training; short for --set training.steps=N',
      })
      .example('$0 train --config configs/selfie2anime.json --out runs/first --set data.root=DIR', '')
      .example('$0 train --out runs/first --resume', 'with the config of the run')
      .example(
        '$0 train --init runs/first --out runs/second --set data.root=DIR',
        'fine-tune',
      ) as unknown as Argv<TrainArguments>,
  handler: async ({ config: file, out, set = [], resume, init, dryRun, steps }) => {
    const { loadConfig } = await import('../config/load.js');
    const { InputError } = await import('../base/errors.js');
    const { loadEngine } = await import('../runtime/node.js');
    const { initialConfig, resumedConfig, withModelFolder } = await import('../train/start.js');
    const overrides = steps === undefined ? set : [...set, `training.steps=${steps}`];
    if (resume && init !== undefined)
      throw new InputError({
        expected: '--resume or --init, not both',
        found: 'both',
        remedy: 'leave --init out: the run that is resumed has its own weights',
      });
    if (!resume && file === undefined && init === undefined)
      throw new InputError({
        expected: '--config FILE for a new run',
        found: 'none',
        remedy:
          'name a config such as configs/selfie2anime.json, or add --resume to go on with a run, or --init to start from its weights',
      });
    const configOf = async (start: string | undefined): Promise<Config> => {
      if (start !== undefined) return initialConfig(start, overrides, file);
      return resume && file === undefined ? resumedConfig(out, overrides) : loadConfig({ file, overrides });
    };
    const work = async (start?: string): Promise<void> => {
      const config = await configOf(start);
      const engine = await loadEngine({ ...config.runtime, work: 'training' });
      if (dryRun) return printForecast(config, engine);
      await trainShown({ config, runDir: out, resume, ...(start !== undefined && { init: start }) });
    };
    if (init === undefined) return work();
    let progress: Progress | undefined;
    await withModelFolder(init, work, (doneBytes, totalBytes) => {
      progress ??= startProgress({ label: 'importing', total: totalBytes, unit: 'bytes' });
      progress.update(doneBytes);
      if (doneBytes === totalBytes) progress.finish();
    });
  },
};

/** Trains a run and shows what happens. */
async function trainShown(options: TrainOptions): Promise<void> {
  const { InterruptedError } = await import('../base/errors.js');
  const { trainRun } = await import('../train/loop.js');
  const { TrainingEvaluation } = await import('../eval/training-evaluation.js');
  const { runDir } = options;
  const began = performance.now();
  const display = new TrainingDisplay();
  await withInterrupt(async (signal) => {
    const progress = startProgress({ label: 'real pictures', total: undefined, unit: 'pictures' });
    const onProgress = (done: number) => progress.update(done);
    const evaluation = await TrainingEvaluation.open(options.config, { signal, onProgress });
    progress.finish();
    const evaluate = evaluation && ((translator: Translator) => evaluation.measure(translator));
    try {
      for await (const event of trainRun({ ...options, signal, ...(evaluate && { evaluate }) }))
        display.show(event);
    } finally {
      display.close();
      await evaluation?.close();
    }
  });
  if (display.interrupted)
    throw new InterruptedError(`stopped; go on with: gnr train --out ${runDir} --resume`);
  printLine(`Done in ${formatDuration((performance.now() - began) / 1000)}: ${runDir}`);
}
