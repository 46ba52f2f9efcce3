import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import { dataRoot, formatConfig } from '../config/load.js';
import { type Config, configSchema } from '../config/schema.js';
import { type Dataset, openDataset } from '../data/folder.js';
import { buildNetworks } from '../gan/networks.js';
import type { StepContext } from '../gan/step.js';
import { type ComputeFacts, changedFacts, computeFacts } from '../runtime/compute-facts.js';
import { loadEngine } from '../runtime/node.js';
import type { Translator } from '../translate/translator.js';
import { AdaptiveAugment } from './adaptive-augment.js';
import { Batches } from './batches.js';
import { DivergedError } from './divergence.js';
import type { TrainEvent } from './events.js';
import { RunLog } from './log/run-log.js';
import { RunPage } from './log/run-report.js';
import { Samples } from './log/samples.js';
import { openTrainer } from './open-trainer.js';
import { loadPerceptual } from './perceptual-weights.js';
import { type Run, writePage, writeSamples } from './run.js';
import { lockRun } from './run-lock.js';
import { takeSteps } from './run-steps.js';
import { findStart, takeHost } from './start.js';
import type { TermValues, Trainer } from './trainer.js';
import { BestCheckpoint } from './watch/best-checkpoint.js';
import { CollapseWatch } from './watch/collapse-watch.js';
import { StyleDiversity } from './watch/style-diversity.js';

export interface TrainOptions {
  /** With `data.root`. */
  config: Config;
  /** The run directory; made where it is missing. */
  runDir: string;
  /** Go on from the newest complete checkpoint of the run. */
  resume?: boolean;
  /** Start with the weights of a run, a checkpoint or an exported model in place of drawn ones. */
  init?: string;
  /** Gives figures of the averaged weights every `evaluation.everySteps` steps, for the metrics of that step. */
  evaluate?: (translator: Translator) => Promise<TermValues>;
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
  const { onNonFinite, rollbackFactor, maxRollbacks } = options.config.watch;
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
      if (last.times > maxRollbacks) throw error;
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
  const perceptual = await loadPerceptual(config);
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
    freeUnusedMemory();
    const engine = computeFacts(await loadEngine());
    log.begin(engine);
    yield* otherMachine(start.step, engine, progress?.engine);
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
      engine,
      events,
      ...(options.evaluate && { evaluate: options.evaluate }),
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

/** A warning where a run goes on with something else than what it began with: the same seed then gives other bytes. */
function* otherMachine(
  step: number,
  now: ComputeFacts,
  before: ComputeFacts | undefined,
): Generator<TrainEvent> {
  const changed = before === undefined ? [] : changedFacts(now, before);
  if (changed.length === 0) return;
  const text = `the run goes on with ${changed.join(', ')}: its numbers will differ in their last digits from those of a run that never stopped`;
  yield { type: 'warning', step, text };
}
