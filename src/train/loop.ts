import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import { dataRoot, formatConfig } from '../config/load.js';
import { type Config, configSchema } from '../config/schema.js';
import { type Dataset, openDataset } from '../data/folder.js';
import { messageOf } from '../errors.js';
import { freeUnusedArrays } from '../runtime/garbage.js';
import { AdaptiveAugment } from './adaptive-augment.js';
import { Batches } from './batches.js';
import { saveTraining } from './checkpoint-state.js';
import { assertFinite, DivergedError, finiteWeights, unsaved } from './divergence.js';
import { buildNetworks } from './networks.js';
import { openTrainer } from './open-trainer.js';
import { loadLpips } from './perceptual-weights.js';
import { lockRun } from './run-lock.js';
import { RunLog } from './run-log.js';
import { RunPage } from './run-report.js';
import { Samples } from './samples.js';
import { findStart, takeHost } from './start.js';
import type { TranslatingWeights } from './state.js';
import type { StepContext } from './step.js';
import { learningRateOf, type TermValues, type Trainer } from './trainer.js';
import { BestCheckpoint } from './watch/best-checkpoint.js';
import { CollapseWatch } from './watch/collapse-watch.js';
import { StyleDiversity } from './watch/style-diversity.js';

/** What a run tells while it goes on. Steps are counted from 1: `step` of them are done. */
export type TrainEvent =
  | { type: 'start'; step: number; steps: number; parameters: { generators: number; discriminators: number } }
  | { type: 'step'; step: number; terms: TermValues; learningRate: number; seconds: number }
  /** Pictures with the averaged weights, and with the weights as trained where `log.sampleRaw` asks for them. */
  | { type: 'samples'; step: number; path: string; rawPath?: string }
  | { type: 'checkpoint'; step: number; dir: string }
  | { type: 'bad-file'; file: string; error: unknown }
  | { type: 'skipped-checkpoint'; dir: string; error: unknown }
  | { type: 'warning'; step: number; text: string }
  | { type: 'rollback'; from: number; to: number; rateScale: number; error: DivergedError }
  | { type: 'end'; step: number; interrupted: boolean };

export interface TrainOptions {
  /** With `data.root`. */
  config: Config;
  /** The run directory; made where it is missing. */
  runDir: string;
  /** Go on from the newest complete checkpoint of the run. */
  resume?: boolean;
  /** Start with the weights of a run, a checkpoint or an exported model in place of drawn ones. */
  init?: string;
  /** Aborting ends the run after the step under way, with a checkpoint. */
  signal?: AbortSignal;
}

/**
 * Trains a run to `training.steps`, writing config.json, metrics.jsonl, samples, checkpoints and report.html into the run
 * directory, and yields what happens. Weights, moments, averages and sampler positions come from the checkpoint on resuming; draws
 * follow from seed and step.
 *
 * @throws InputError for wrong input, RunError where the training diverges or the disk refuses; checkpoints stay.
 */
export async function* trainRun(options: TrainOptions): AsyncGenerator<TrainEvent> {
  const config = configSchema.parse(options.config);
  const { runDir } = options;
  const dataset = await openDataset(dataRoot(config), { requireTest: false });
  const release = await lockRun(runDir);
  const page = new RunPage(runDir);
  try {
    yield* lockedRun({ ...options, config }, dataset, page);
  } finally {
    if (page.hasRun) await page.write({ isTraining: false });
    await release();
  }
}

/** Goes on from the newest checkpoint, with a smaller learning rate, where the training has diverged and the config says so. */
async function* lockedRun(
  options: TrainOptions,
  dataset: Dataset,
  page: RunPage,
): AsyncGenerator<TrainEvent> {
  const { onNonFinite, rollbackFactor, mostRollbacks } = options.config.watch;
  const { runDir } = options;
  const named = new Set<string>();
  let attempt: Attempt = { options, named, page };
  let last = { step: -1, times: 0 };
  for (;;) {
    try {
      return yield* runOnce(attempt, dataset);
    } catch (error) {
      if (!(error instanceof DivergedError) || onNonFinite !== 'rollback') throw error;
      const to = (await latestCheckpoint(runDir))?.step ?? 0;
      last = { step: to, times: last.step === to ? last.times + 1 : 1 };
      if (last.times > mostRollbacks) throw error;
      const rateScale = error.rateScale * rollbackFactor;
      yield { type: 'rollback', from: error.step, to, rateScale, error };
      attempt = { options: { ...options, ...(to > 0 && { resume: true }) }, rateScale, named, page };
    }
  }
}

/** One try at a run, which ends with the run or with a rollback. */
interface Attempt {
  options: TrainOptions;
  /** Factor on the learning rate; where left out, that of the checkpoint. */
  rateScale?: number;
  /** Files that were told to be damaged. */
  named: Set<string>;
  page: RunPage;
}

async function* runOnce(
  { options, named, page, ...attempt }: Attempt,
  dataset: Dataset,
): AsyncGenerator<TrainEvent> {
  const { config, runDir, signal } = options;
  const networks = buildNetworks(config);
  const events: TrainEvent[] = [];
  const onBadFile = (file: string, error: unknown): void => {
    if (!named.has(file)) events.push({ type: 'bad-file', file, error });
    named.add(file);
  };
  const onSkipped = (dir: string, error: unknown) => events.push({ type: 'skipped-checkpoint', dir, error });
  const start = await findStart({ ...options, onSkipped }, networks);
  const { progress } = start;
  // All that can be refused is refused before the run directory changes.
  const batches = new Batches(config, dataset, { ...(progress && { state: progress }), onBadFile });
  const samples = await Samples.open(config, dataset, onBadFile);
  const { watch: watched, training } = config;
  const diversity =
    watched.everySteps <= training.steps ? await StyleDiversity.open(config, dataset, onBadFile) : undefined;
  const perceptual =
    config.losses.lpips.weight > 0 && config.losses.lpips.weights !== null
      ? await loadLpips(config.losses.lpips.weights)
      : undefined;
  await writeFileAtomic(join(runDir, 'config.json'), formatConfig(config));
  const log = await RunLog.open(runDir, config, start.step, progress?.sinceRow);
  page.hasRun = true;
  let trainer: Trainer | undefined;
  try {
    // Told first: with large networks, what follows takes many seconds.
    yield {
      type: 'start',
      step: start.step,
      steps: training.steps,
      parameters: {
        generators: networks.generators.parameterCount,
        discriminators: networks.discriminators.parameterCount,
      },
    };
    yield* events.splice(0);
    const rateScale = attempt.rateScale ?? progress?.rateScale ?? 1;
    const context: StepContext = { config, networks, rateScale, ...(perceptual && { perceptual }) };
    trainer = openTrainer(context, takeHost(start, networks, training.seed));
    freeUnusedArrays();
    const watch = new CollapseWatch(watched, progress?.watch);
    const best = new BestCheckpoint(config.checkpoint.keepBest, progress?.best);
    const augment = new AdaptiveAugment(training, progress?.adaptiveAugment);
    const run: Run = {
      context,
      runDir,
      trainer,
      batches,
      augment,
      samples,
      watch,
      diversity,
      best,
      log,
      page,
      events,
    };
    if (start.step === 0) yield await writeSamples(run, 0);
    else await writePage(run, start.step);
    yield* takeSteps(run, start.step, progress?.seconds ?? 0, signal);
  } catch (error) {
    yield* events.splice(0);
    throw error;
  } finally {
    await batches.close();
    await log.close();
    trainer?.dispose();
    perceptual?.dispose();
  }
}

interface Run {
  context: StepContext;
  runDir: string;
  trainer: Trainer;
  batches: Batches;
  augment: AdaptiveAugment;
  watch: CollapseWatch;
  diversity: StyleDiversity | undefined;
  best: BestCheckpoint;
  log: RunLog;
  samples: Samples;
  page: RunPage;
  /** What happened beside the steps, to be told with the next one. */
  events: TrainEvent[];
}

async function writeSamples(run: Run, step: number): Promise<TrainEvent> {
  const { context, samples, trainer, log, runDir } = run;
  const write = async (weights: TranslatingWeights): Promise<string> => {
    const path = await samples.write(runDir, step, trainer.translator(weights), weights);
    await log.tensorboard?.samples(step, path, weights);
    return path;
  };
  const path = await write('averages');
  const rawPath = context.config.log.sampleRaw && (await write('weights'));
  await writePage(run, step);
  return { type: 'samples', step, path, ...(rawPath && { rawPath }) };
}

async function writePage({ page, events }: Run, step: number): Promise<void> {
  const error = await page.write({ isTraining: true, step });
  if (error === undefined) return;
  const text = `step ${step}: the report page was not written: ${messageOf(error)}`;
  events.push({ type: 'warning', step, text });
}

async function save(run: Run, step: number, seconds: number): Promise<TrainEvent> {
  const { context, runDir, trainer, batches, augment, watch, best, log } = run;
  const { config, networks, rateScale = 1 } = context;
  const progress = {
    ...batches.state(),
    seconds,
    rateScale,
    watch: watch.state(),
    adaptiveAugment: augment.state(),
    sinceRow: log.state(),
    ...(config.checkpoint.keepBest !== null && { best: best.state() }),
  };
  const read: Trainer['read'] = (select) => finiteWeights(trainer.read(select), { step, runDir, rateScale });
  const dir = await saveTraining(runDir, step, config, networks, read, progress);
  freeUnusedArrays();
  return { type: 'checkpoint', step, dir };
}

/** Whether step `step`, counted from 1, is one of every so many, or the last. */
function isDue(step: number, everySteps: number, { training }: Config): boolean {
  return step % everySteps === 0 || step === training.steps;
}

/** Looks at what a step told. @returns warnings. @throws DivergedError. */
function observe(run: Run, terms: TermValues, step: number): string[] {
  const { context, runDir, trainer, watch, diversity, best, log } = run;
  const { config, rateScale = 1 } = context;
  assertFinite(terms, { step, runDir, rateScale });
  if (diversity && step % config.watch.everySteps === 0)
    terms['signals/styleDiversity'] = diversity.measure(trainer.translator('averages'));
  best.observe(terms);
  const warnings = watch.observe(step, terms);
  log.observe(terms, warnings);
  return warnings;
}

async function* takeSteps(
  run: Run,
  firstStep: number,
  secondsBefore: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent> {
  const { context, trainer, batches, augment, best, log, events } = run;
  const { config } = context;
  let seconds = secondsBefore;
  let step = firstStep;
  let saved = firstStep;
  const saveNow = async (): Promise<TrainEvent> => {
    const event = await save(run, step, seconds);
    saved = step;
    return event;
  };
  const checkpoint = async function* (): AsyncGenerator<TrainEvent> {
    yield await saveNow();
    await log.tensorboard?.weights(step, trainer);
    freeUnusedArrays();
  };
  /** What goes wrong beside the steps (the dataset has gone, a log cannot be written) costs none of them. */
  const beside = <T>(work: Promise<T>): Promise<T> =>
    work.catch(async (error: unknown) => {
      const rescue = (cause: unknown) => Promise.reject(unsaved(error, saved, cause));
      if (saved < step) events.push(await saveNow().catch(rescue));
      throw error;
    });
  while (step < config.training.steps && !signal?.aborted) {
    const began = performance.now();
    const batch = await beside(batches.next(step, augment.probabilities));
    const learningRate = learningRateOf(context, step);
    const terms = augment.observe(trainer.step(batch, step));
    // Where all pictures are in memory nothing else in a step waits, and signals and timers would not get their turn.
    await setImmediate();
    step++;
    seconds += (performance.now() - began) / 1000;
    yield* events.splice(0);
    for (const text of observe(run, terms, step)) yield { type: 'warning', step, text };
    if (step % config.log.everySteps === 0 || step === 1)
      await beside(log.write({ step, seconds, learningRate }));
    yield { type: 'step', step, terms, learningRate, seconds };
    if (isDue(step, config.log.sampleEverySteps, config)) yield await beside(writeSamples(run, step));
    if (isDue(step, config.checkpoint.everySteps, config)) {
      if (!best.closeStretch(step)) yield { type: 'warning', step, text: noMetric(config, terms, step) };
      yield* checkpoint();
    }
  }
  if (saved < step) yield* checkpoint();
  yield* events.splice(0);
  yield { type: 'end', step, interrupted: step < config.training.steps };
}

function noMetric({ checkpoint }: Config, terms: TermValues, step: number): string {
  const known = Object.keys(terms).join(', ');
  return `step ${step}: checkpoint.keepBest.metric, ${checkpoint.keepBest?.metric}, had no value since the checkpoint before; a step has ${known}`;
}
