// What `gnr train` does.
import { countOf } from '../../base/count-of.js';
import { InputError, InterruptedError, messageOf } from '../../base/errors.js';
import { shownPath } from '../../base/file-names.js';
import { formatDuration } from '../../base/format-bytes.js';
import { formatConfig, loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import type { World } from '../../distributed/world.js';
import { TrainingEvaluation } from '../../eval/training-evaluation.js';
import { type EngineInfo, loadEngine } from '../../runtime/node.js';
import { forecast } from '../../train/forecast.js';
import { type TrainOptions, trainRun } from '../../train/loop.js';
import { initialConfig, resumedConfig } from '../../train/start.js';
import { withInterrupt } from '../interrupt.js';
import { formatPeak, type Progress, printError, printLine, startProgress } from '../output.js';
import { runTogether } from '../together.js';
import type { TrainArguments } from '../train.js';
import { million, TrainingDisplay } from './training-display.js';

/** The option of a run that evaluates its weights; no option without an evaluation. */
function evaluateWith(evaluation: TrainingEvaluation | undefined): Pick<TrainOptions, 'evaluate'> {
  return evaluation === undefined ? {} : { evaluate: (translator) => evaluation.measure(translator) };
}

/** Prints the resolved config, and the time and memory that training takes on this machine. */
async function printForecast(config: Config, { device, threads }: EngineInfo): Promise<void> {
  printLine(formatConfig(config).trimEnd());
  let progress: Progress | undefined;
  const onStep = (done: number, total: number): void => {
    progress ??= startProgress({ label: 'timing steps', total, unit: 'steps' });
    progress.update(done);
  };
  const evaluation = await TrainingEvaluation.open(config);
  const { evaluate } = evaluateWith(evaluation);
  const estimate = await forecast(config, onStep, evaluate).finally(() => {
    progress?.finish();
    return evaluation?.close();
  });
  const { images, stages, totalSeconds, maxLoss } = estimate;
  const { steps, r1EverySteps } = config.training;
  const rows: [label: string, text: string][] = [];
  for (const stage of stages) {
    const { size, batch, parameters, stepSeconds, seconds, steps: stageSteps, evaluationSeconds } = stage;
    const { generators, discriminators } = parameters;
    const [plain, withR1] = [stepSeconds.plain, stepSeconds.withR1].map((value) => `${value.toFixed(2)} s`);
    rows.push(
      ['parameters', `${million(generators)} generator, ${million(discriminators)} discriminator`],
      [
        'images',
        `${images.trainA} in trainA, ${images.trainB} in trainB; ${size} px, ${batch} of each per step`,
      ],
      [
        'each step',
        `${plain}, ${withR1} every ${r1EverySteps} (R1); ${device.toUpperCase()}, ${countOf(threads, 'thread')}`,
      ],
    );
    if (evaluationSeconds !== undefined) rows.push(evaluationRow(config.evaluation, evaluationSeconds));
    if (stages.length > 1)
      rows.push([`at ${size} px`, `${formatDuration(seconds)} for ${countOf(stageSteps, 'step')}`]);
  }
  rows.push(
    ['training', `${formatDuration(totalSeconds)} for ${countOf(steps, 'step')}`],
    [
      'a crash loses',
      `at most ${countOf(maxLoss.steps, 'step')}, ${formatDuration(maxLoss.seconds)} of work`,
    ],
    ['peak memory', formatPeak(estimate)],
  );
  printLine();
  for (const [label, text] of rows) printLine(`${label.padEnd(14)}${text}`);
}

function evaluationRow(
  { everySteps, protocol }: Config['evaluation'],
  seconds: number,
): [label: string, text: string] {
  return ['evaluation', `${seconds.toFixed(2)} s every ${everySteps} steps (protocol ${protocol})`];
}

/** Trains a run and shows its events. @returns whether it was interrupted. */
async function trainShown(options: TrainOptions, world: World): Promise<boolean> {
  const { runDir } = options;
  const startedAt = performance.now();
  const display = new TrainingDisplay();
  await withInterrupt(async (signal) => {
    const progress = startProgress({ label: 'real images', total: undefined, unit: 'images' });
    const onProgress = (done: number) => progress.update(done);
    const evaluation = await world.alone(() =>
      TrainingEvaluation.open(options.config, { signal, onProgress, world }),
    );
    progress.finish();
    let reading: Progress | undefined;
    const onInitProgress = (doneBytes: number, totalBytes: number): void => {
      reading ??= startProgress({ label: 'reading the weights', total: totalBytes, unit: 'bytes' });
      reading.update(doneBytes);
      if (doneBytes === totalBytes) reading.finish();
    };
    try {
      const all = { ...options, signal, onInitProgress, ...evaluateWith(evaluation) };
      for await (const event of trainRun(all)) display.show(event);
    } finally {
      reading?.finish();
      display.close();
      await evaluation?.close();
    }
  });
  if (!display.interrupted)
    printLine(`Done in ${formatDuration((performance.now() - startedAt) / 1000)}: ${runDir}`);
  return display.interrupted;
}

/** Trains on a rank other than 0, which shows nothing but what is wrong on its machine. @returns as `trainShown`. */
function trainQuietly(options: TrainOptions, world: World): Promise<boolean> {
  return withInterrupt(async (signal) => {
    const evaluation = await world.alone(() => TrainingEvaluation.open(options.config, { signal, world }));
    let isInterrupted = false;
    try {
      for await (const event of trainRun({ ...options, signal, ...evaluateWith(evaluation) })) {
        if (event.type === 'bad-file')
          printError(
            `gnr: ${world.nameOf(world.rank)}: skipped ${shownPath(event.file)}: ${messageOf(event.error)}`,
          );
        if (event.type === 'end') isInterrupted = event.interrupted;
      }
    } finally {
      await evaluation?.close();
    }
    return isInterrupted;
  });
}

function checkArguments({ config, resume, init }: TrainArguments): void {
  if (resume && init !== undefined)
    throw new InputError({
      expected: '--resume or --init, not both',
      found: 'both',
      remedy: 'leave --init out: the run that is resumed has its own weights',
    });
  if (!resume && config === undefined && init === undefined)
    throw new InputError({
      expected: '--config FILE for a new run',
      found: 'none',
      remedy:
        'name a config such as configs/selfie2anime.json, or add --resume to continue a run, or --init to start from its weights',
    });
}

/** The config that the arguments ask for. @throws InputError for arguments that do not fit together. */
async function configOf(args: TrainArguments): Promise<Config> {
  const { config: file, out, set = [], resume, init, steps } = args;
  checkArguments(args);
  const overrides = steps === undefined ? set : [...set, `training.steps=${steps}`];
  if (init !== undefined) return initialConfig(init, overrides, file);
  return resume && file === undefined ? resumedConfig(out, overrides) : loadConfig({ file, overrides });
}

/**
 * Starts or resumes a run, or forecasts it, on all processes that mpirun has started.
 * @throws InterruptedError, on all of them, if it was interrupted.
 */
async function runInWorld(args: TrainArguments, world: World): Promise<void> {
  const { out, resume, init, dryRun } = args;
  const config = await world.broadcastValue(world.isFirst ? await configOf(args) : undefined);
  world.setTimeLimit(config!.distributed.timeoutSeconds);
  const options = { config: config!, runDir: out, resume, world, ...(init !== undefined && { init }) };
  if (!dryRun) {
    await loadEngine({ ...options.config.runtime, work: 'training', world });
    const wasInterrupted = await (world.isFirst ? trainShown : trainQuietly)(options, world);
    if (wasInterrupted) throw new InterruptedError(`stopped; continue with: gnr train --out ${out} --resume`);
    return;
  }
  if (world.isFirst)
    await world.alone(async () => {
      const engine = await loadEngine({ ...options.config.runtime, work: 'training' });
      await printForecast(options.config, engine);
    });
}

/** Starts or resumes a run, or forecasts it. */
export async function run(args: TrainArguments): Promise<void> {
  await runTogether((world) => runInWorld(args, world), { isTimed: true });
}
