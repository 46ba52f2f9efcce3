// A whole run: opens what its steps need, takes them, rolls back when training diverges, and yields events.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import { removeLeftovers } from '../base/leftovers.js';
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { latestCheckpoint } from '../checkpoint/checkpoint.js';
import { configAt, growthsUnreached, stageEnd } from '../config/growth.js';
import { dataRoot, formatConfig } from '../config/load.js';
import { type Config, configSchema } from '../config/schema.js';
import { countsText, type Dataset, openDataset } from '../data/folder.js';
import { SOLO, type World } from '../distributed/world.js';
import { buildNetworks } from '../gan/networks.js';
import type { StepContext } from '../gan/step.js';
import { ranksOf } from '../ops/ranks.js';
import { type ComputeFacts, changedFacts, computeFacts } from '../runtime/compute-facts.js';
import { loadEngine } from '../runtime/node.js';
import type { Translator } from '../translate/translator.js';
import { AdaptiveAugment } from './adaptive-augment.js';
import { Batches } from './batches.js';
import { dropInterimCheckpoint, settleTraining, type TrainProgress } from './checkpoint-state.js';
import { DivergedError } from './divergence.js';
import type { TrainEvent } from './events.js';
import { followRun } from './follower.js';
import { LecamAnchors } from './lecam-anchors.js';
import { RunLog } from './log/run-log.js';
import { RunPage } from './log/run-report.js';
import { samplesFolder } from './log/sample-files.js';
import { Samples } from './log/samples.js';
import { openTrainer } from './open-trainer.js';
import { Peers } from './peers.js';
import { loadPerceptual } from './perceptual-weights.js';
import { type Run, writePage, writeSamples } from './run.js';
import { lockRun, type RunLock } from './run-lock.js';
import { takeSteps } from './run-steps.js';
import { checkSameDataset, type SharedStart, shareState } from './shared-start.js';
import { findStart, takeHost } from './start.js';
import type { TermValues, Trainer } from './trainer.js';
import { lacksRow } from './unfinished-step.js';
import { BestCheckpoint } from './watch/best-checkpoint.js';
import { CollapseWatch } from './watch/collapse-watch.js';
import { StyleDiversity } from './watch/style-diversity.js';

export interface TrainOptions {
  /** The config, with `data.root`. */
  config: Config;
  /** The run directory; created if it is missing. */
  runDir: string;
  /** Continue from the newest complete checkpoint of the run. */
  resume?: boolean;
  /**
   * Start with the weights of a run, a checkpoint, an exported model or a PyTorch file of the reference implementation in
   * place of random ones.
   */
  init?: string;
  /** Called while such a file is read. */
  onInitProgress?: (doneBytes: number, totalBytes: number) => void;
  /**
   * Measures the EMA weights every `evaluation.everySteps` steps, on all ranks together; its figures join the metrics of that
   * step.
   */
  evaluate?: (translator: Translator) => Promise<TermValues>;
  /** Aborting ends the run after the current step, with a checkpoint. */
  signal?: AbortSignal;
  /** Milliseconds from any origin, for checkpoints by time; a monotonic clock by default. */
  clock?: () => number;
  /** The world of this process, whose ranks train together; a world of one by default. */
  world?: World;
}

/**
 * Trains a run to `training.steps`, writing config.json, metrics.jsonl, samples, checkpoints and report.html into the run
 * directory, and yields events. Where `training.growth` says so, the networks grow. A resumed run takes weights, moments, the EMA
 * and sampler positions from the checkpoint; random draws follow from seed and step. Of several ranks, rank 0 writes the files; the
 * others only yield their last event.
 *
 * @throws InputError for wrong input; RunError if training diverges, a file cannot be written, or another process has taken
 *   the run over. Checkpoints are kept.
 */
export async function* trainRun(options: TrainOptions): AsyncGenerator<TrainEvent> {
  const config = configSchema.parse(options.config);
  const { signal, world = SOLO } = options;
  const root = dataRoot(config);
  if (!world.isFirst) return yield* followRun({ config, world, root, signal, evaluate: options.evaluate });
  yield* aloneBetweenSteps(world, leadRun({ ...options, config }, root));
}

/** Lets the other ranks wait for rank 0 however long it takes, except in its steps. */
async function* aloneBetweenSteps(
  world: World,
  events: AsyncGenerator<TrainEvent>,
): AsyncGenerator<TrainEvent> {
  try {
    for (;;) {
      const next = await world.alone(() => events.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await events.return(undefined);
  }
}

/** The run of rank 0, or of the only process. */
async function* leadRun(options: TrainOptions, root: string): AsyncGenerator<TrainEvent> {
  const { runDir, world = SOLO } = options;
  if (options.resume) await checkNotMoved(root);
  const others: string[] = [];
  const dataset = await openDataset(root, {
    requireTest: false,
    onOtherFiles: (folder, counts) => others.push(`${countsText(counts)} of ${folder}`),
  });
  await checkSameDataset(world, dataset);
  const lock = await lockRun(runDir, { signal: options.signal });
  const page = new RunPage(runDir);
  try {
    if (others.length > 0) {
      const text = `left out of training, as files that are no images: ${others.join('; ')}`;
      yield { type: 'warning', step: 0, text };
    }
    yield* lockedRun(options, dataset, page, lock);
  } finally {
    if (page.figures && (await lock.isHeld())) await page.write({ isTraining: false });
    await lock.release();
  }
}

/**
 * Runs the stages of a run one after another. Repeats a diverged one from the newest checkpoint with a smaller learning rate, if
 * the config asks for rollbacks.
 */
async function* lockedRun(
  options: TrainOptions,
  dataset: Dataset,
  page: RunPage,
  lock: RunLock,
): AsyncGenerator<TrainEvent> {
  const { onNonFinite, rollbackFactor, maxRollbacks } = options.config.watch;
  const { runDir, signal, world = SOLO } = options;
  const reported = new Set<string>();
  let attempt: Attempt = { options, reported, page, lock };
  let last = { step: -1, times: 0 };
  for (;;) {
    try {
      if (!(yield* runOnce(attempt, dataset))) return;
      // The next stage starts from the checkpoint of this one, as a resumed run does.
      attempt = { ...attempt, options: { ...options, resume: true } };
    } catch (error) {
      if (!(error instanceof DivergedError) || onNonFinite !== 'rollback') throw error;
      await lock.check('now');
      await dropInterimCheckpoint(runDir);
      const to = (await latestCheckpoint(runDir))?.step ?? 0;
      last = { step: to, times: last.step === to ? last.times + 1 : 1 };
      if (last.times > maxRollbacks) throw error;
      await new Peers(world).next(signal, { restarts: true });
      const rateScale = error.rateScale * rollbackFactor;
      yield { type: 'rollback', from: error.step, to, rateScale, error };
      attempt = { ...attempt, options: { ...options, ...(to > 0 && { resume: true }) }, rateScale };
    }
  }
}

/** One attempt at a stage of a run, which ends with it or with a rollback. */
interface Attempt {
  options: TrainOptions;
  /** Factor on the learning rate; by default that of the checkpoint. */
  rateScale?: number;
  /** Damaged files that were reported. */
  reported: Set<string>;
  page: RunPage;
  lock: RunLock;
}

/** @returns whether another stage follows. */
async function* runOnce(
  { options, reported, page, lock, ...attempt }: Attempt,
  dataset: Dataset,
): AsyncGenerator<TrainEvent, boolean> {
  const { runDir, signal, world = SOLO } = options;
  const newest = options.resume ? await latestCheckpoint(runDir) : undefined;
  const config = configAt(options.config, newest?.step ?? 0);
  const networks = buildNetworks(config, ranksOf(world.size));
  const events: TrainEvent[] = [];
  const onBadFile = (file: string, error: unknown): void => {
    if (!reported.has(file)) events.push({ type: 'bad-file', file, error });
    reported.add(file);
  };
  const onSkipped = (dir: string, error: unknown) => events.push({ type: 'skipped-checkpoint', dir, error });
  const start = await findStart({ ...options, config, onSkipped }, networks);
  const { progress } = start;
  // All input is checked before the run directory changes.
  const batches = new Batches(config, dataset, { world, ...(progress && { state: progress }), onBadFile });
  const samples = await Samples.open(config, dataset, onBadFile);
  const { watch: watchConfig, training } = config;
  const diversity =
    watchConfig.everySteps <= training.steps
      ? await StyleDiversity.open(config, dataset, onBadFile)
      : undefined;
  const perceptual = await loadPerceptual(config);
  // What a killed process left of the files that it was writing.
  for (const folder of [runDir, samplesFolder(runDir)]) await removeLeftovers(folder, { kind: 'tmp' });
  if (progress !== undefined) await settleTraining(runDir, start.step, config, progress);
  await writeFileAtomic(join(runDir, 'config.json'), formatConfig(config));
  const log = await RunLog.open(runDir, config, start.step, {
    sinceRow: progress?.sinceRow,
    lacksRow: progress?.unfinished !== undefined && lacksRow(progress.unfinished),
  });
  page.figures = log.figures;
  let trainer: Trainer | undefined;
  try {
    // This event comes first: with large networks, the rest of the start takes many seconds.
    yield {
      type: 'start',
      step: start.step,
      until: stageEnd(config),
      steps: training.steps,
      size: config.model.size,
      ...(start.grownFrom !== undefined && { grownFrom: start.grownFrom }),
      parameters: {
        generators: networks.generators.parameterCount,
        discriminators: networks.discriminators.parameterCount,
      },
    };
    yield* events.splice(0);
    const rateScale = attempt.rateScale ?? progress?.rateScale ?? 1;
    const context: StepContext = { config, networks, rateScale, ...(perceptual && { perceptual }) };
    await world.broadcastValue<SharedStart>({ step: start.step, rateScale, progress });
    const host = takeHost(start, networks, training.seed);
    trainer = openTrainer(context, await shareState(world, config, networks, host));
    freeUnusedMemory();
    const engine = computeFacts(await loadEngine());
    log.begin(engine);
    yield* changedMachine(start.step, engine, progress?.engine);
    yield* changedRanks(start.step, world.size, progress);
    if (start.step === 0) yield* growthWarnings(config);
    if (start.step === 0 || start.grownFrom !== undefined)
      yield* batchWarnings(start.step, config, dataset, world.size);
    const watch = new CollapseWatch(config, progress?.watch);
    const best = new BestCheckpoint(config.checkpoint.keepBest, progress?.best);
    const augment = new AdaptiveAugment(training, progress?.adaptiveAugment, world.size);
    const lecam = new LecamAnchors(training, progress?.lecamAnchors);
    const run: Run = {
      context,
      runDir,
      lock,
      world,
      peers: new Peers(world),
      trainer,
      batches,
      augment,
      lecam,
      samples,
      watch,
      diversity,
      best,
      log,
      page,
      engine,
      events,
      clock: options.clock ?? (() => performance.now()),
      ...(options.evaluate && { evaluate: options.evaluate }),
    };
    if (start.step === 0) yield await writeSamples(run, 0);
    else await writePage(run, start.step);
    const from = { step: start.step, seconds: progress?.seconds ?? 0 };
    return yield* takeSteps(run, from, progress?.unfinished, signal);
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

/** @throws InputError if the dataset of a resumed run is not where it was. */
async function checkNotMoved(root: string): Promise<void> {
  if ((await stat(root).catch(() => undefined)) !== undefined) return;
  throw new InputError({
    expected: `the dataset of the run at ${resolve(root)}`,
    found: 'nothing',
    remedy: 'if it was moved, add --set data.root=DIR with its new place',
  });
}

/** Warns of a batch in which the losses cannot compare images, or which repeats them. */
function* batchWarnings(
  step: number,
  { training: { batch } }: Config,
  { trainA, trainB }: Dataset,
  ranks: number,
): Generator<TrainEvent> {
  if (batch === 1)
    yield {
      type: 'warning',
      step,
      text: 'training.batch is 1: the losses that compare the images of a batch (style consistency, and the deviation that discriminators see) have nothing to compare; with 2 or more, runtime.microBatch=1 needs no more memory for activations',
    };
  for (const [folder, { length }] of Object.entries({ trainA, trainB }))
    if (length < batch * ranks) {
      const size = ranks === 1 ? `${batch}` : `${batch} on each of ${ranks} processes`;
      const text = `${folder} has fewer images (${length}) than training.batch (${size}): every step repeats some`;
      yield { type: 'warning', step, text };
    }
}

/** Warns of growths for which the run has no steps left. */
function* growthWarnings(config: Config): Generator<TrainEvent> {
  for (const { atStep, size } of growthsUnreached(config)) {
    const text = `the networks do not grow to ${size} px: training.growth has it after step ${atStep}, and training.steps is ${config.training.steps}`;
    yield { type: 'warning', step: 0, text };
  }
}

/** Warns if a resumed run has another number of processes. */
function* changedRanks(
  step: number,
  ranks: number,
  progress: Partial<TrainProgress> | undefined,
): Generator<TrainEvent> {
  const before = progress?.ranks ?? 1;
  if (progress === undefined || before === ranks) return;
  const text = `the run continues with ${ranks} process${ranks === 1 ? '' : 'es'} and was trained with ${before}: each step now has ${ranks} batch${ranks === 1 ? '' : 'es'} of training.batch images, in the order in which the run would have gone on, so adapt training.learningRate if it was chosen for the other number`;
  yield { type: 'warning', step, text };
}

/** Warns if a resumed run computes with another device, version or arithmetic: the same seed then gives other bytes. */
function* changedMachine(
  step: number,
  now: ComputeFacts,
  before: ComputeFacts | undefined,
): Generator<TrainEvent> {
  const changed = before === undefined ? [] : changedFacts(now, before);
  if (changed.length === 0) return;
  const text = `the run continues with ${changed.join(', ')}: its numbers will differ in their last digits from those of a run that never stopped`;
  yield { type: 'warning', step, text };
}
