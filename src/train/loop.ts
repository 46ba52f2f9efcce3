import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic } from '../checkpoint/atomic.js';
import { dataRoot, formatConfig } from '../config/load.js';
import { type Config, configSchema } from '../config/schema.js';
import { type Dataset, openDataset } from '../data/folder.js';
import { RunError } from '../errors.js';
import type { NetworkValues } from '../model/parameter-groups.js';
import { freeUnusedArrays } from '../runtime/garbage.js';
import { Batches } from './batches.js';
import { saveTraining } from './checkpoint-state.js';
import { MetricsLog, StepRate } from './metrics-log.js';
import { buildNetworks, type Networks } from './networks.js';
import { openTrainer } from './open-trainer.js';
import { loadLpips } from './perceptual-weights.js';
import { lockRun } from './run-lock.js';
import { Samples } from './samples.js';
import { learningRateAt } from './schedule.js';
import { findStart, takeHost } from './start.js';
import type { StepContext } from './step.js';
import { TensorboardLog } from './tensorboard/training-log.js';
import type { TermValues, Trainer } from './trainer.js';

/** What a run tells while it goes on. Steps are counted from 1: `step` of them are done. */
export type TrainEvent =
  | { type: 'start'; step: number; steps: number; parameters: { generators: number; discriminators: number } }
  | { type: 'step'; step: number; terms: TermValues; learningRate: number; seconds: number }
  | { type: 'samples'; step: number; path: string }
  | { type: 'checkpoint'; step: number; dir: string }
  | { type: 'bad-file'; file: string; error: unknown }
  | { type: 'skipped-checkpoint'; dir: string; error: unknown }
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

function assertFinite(terms: TermValues, step: number, runDir: string): void {
  const broken = Object.entries(terms).find(([, value]) => !Number.isFinite(value));
  if (broken === undefined) return;
  throw diverged(`The loss term ${broken[0]} is ${broken[1]}`, step, runDir);
}

/** The loss terms of a step are those before its update: a checkpoint that could not go on would be the newest one. */
function assertFiniteWeights(values: NetworkValues, step: number, runDir: string): void {
  for (const [network, tree] of Object.entries(values))
    for (const [path, data] of Object.entries(tree))
      if (!data.every(Number.isFinite))
        throw diverged(`${network}/${path} has weights that are not finite`, step, runDir);
}

function diverged(what: string, step: number, runDir: string): RunError {
  return new RunError(
    `${what} after step ${step}: the training has diverged. ` +
      `Earlier checkpoints in ${runDir} are kept; start again with a smaller training.learningRate.`,
  );
}

/**
 * Trains a run to `training.steps`, writing config.json, metrics.jsonl, samples and checkpoints into the run directory,
 * and yields what happens. Weights, moments, averages and sampler positions come from the checkpoint on resuming; draws
 * follow from seed and step.
 *
 * @throws InputError for wrong input, RunError where the training diverges or the disk refuses; checkpoints stay.
 */
export async function* trainRun(options: TrainOptions): AsyncGenerator<TrainEvent> {
  const config = configSchema.parse(options.config);
  const { runDir } = options;
  const dataset = await openDataset(dataRoot(config), { requireTest: false });
  const release = await lockRun(runDir);
  try {
    yield* lockedRun({ ...options, config }, dataset);
  } finally {
    await release();
  }
}

async function* lockedRun(options: TrainOptions, dataset: Dataset): AsyncGenerator<TrainEvent> {
  const { config, runDir, signal } = options;
  const networks = buildNetworks(config);
  const events: TrainEvent[] = [];
  const named = new Set<string>();
  const onBadFile = (file: string, error: unknown): void => {
    if (!named.has(file)) events.push({ type: 'bad-file', file, error });
    named.add(file);
  };
  const onSkipped = (dir: string, error: unknown) => events.push({ type: 'skipped-checkpoint', dir, error });
  const start = await findStart({ ...options, onSkipped }, networks);
  // All that can be refused is refused before the run directory changes.
  const batches = new Batches(config, dataset, {
    ...(start.progress && { state: start.progress }),
    onBadFile,
  });
  const samples = await Samples.open(config, dataset, onBadFile);
  const perceptual =
    config.losses.lpips.weight > 0 && config.losses.lpips.weights !== null
      ? await loadLpips(config.losses.lpips.weights)
      : undefined;
  await writeFileAtomic(join(runDir, 'config.json'), formatConfig(config));
  const metrics = await MetricsLog.open(join(runDir, 'metrics.jsonl'), start.step);
  let trainer: Trainer | undefined;
  let tensorboard: TensorboardLog | undefined;
  try {
    if (config.log.tensorboard)
      tensorboard = await TensorboardLog.open(join(runDir, 'tensorboard'), { step: start.step });
    // Told first: with large networks, what follows takes many seconds.
    yield {
      type: 'start',
      step: start.step,
      steps: config.training.steps,
      parameters: {
        generators: networks.generators.parameterCount,
        discriminators: networks.discriminators.parameterCount,
      },
    };
    yield* events.splice(0);
    const context: StepContext = { config, networks, ...(perceptual && { perceptual }) };
    trainer = openTrainer(context, takeHost(start, networks, config.training.seed));
    freeUnusedArrays();
    const run: Run = { config, runDir, networks, trainer, batches, metrics, tensorboard, samples, events };
    if (start.step === 0) yield await writeSamples(run, 0);
    yield* takeSteps(run, start.step, start.progress?.seconds ?? 0, signal);
  } finally {
    await batches.close();
    await metrics.close();
    await tensorboard?.close();
    trainer?.dispose();
    perceptual?.dispose();
  }
}

interface Run {
  config: Config;
  runDir: string;
  networks: Networks;
  trainer: Trainer;
  batches: Batches;
  metrics: MetricsLog;
  tensorboard: TensorboardLog | undefined;
  samples: Samples;
  /** What happened beside the steps, to be told with the next one. */
  events: TrainEvent[];
}

async function writeSamples(run: Run, step: number): Promise<TrainEvent> {
  const { samples, trainer, tensorboard, runDir } = run;
  const path = await samples.write(runDir, step, trainer.translator());
  await tensorboard?.samples(step, path);
  return { type: 'samples', step, path };
}

async function save(run: Run, step: number, seconds: number): Promise<TrainEvent> {
  const { config, runDir, networks, trainer, batches, tensorboard } = run;
  const progress = { ...batches.state(), seconds };
  const write = async (): Promise<string> => {
    const host = trainer.read();
    assertFiniteWeights(host.values, step, runDir);
    const dir = await saveTraining(runDir, step, config, networks, host, progress);
    await tensorboard?.weights(step, host);
    return dir;
  };
  const dir = await write();
  freeUnusedArrays();
  return { type: 'checkpoint', step, dir };
}

async function* takeSteps(
  run: Run,
  firstStep: number,
  secondsBefore: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent> {
  const { config, runDir, trainer, batches, metrics, tensorboard, events } = run;
  const { steps } = config.training;
  let seconds = secondsBefore;
  let step = firstStep;
  let saved = firstStep;
  const rate = new StepRate();
  let termsSinceRow: TermValues = {};
  while (step < steps && !signal?.aborted) {
    const began = performance.now();
    const batch = await batches.next(step).catch((error: unknown) => ({ error }));
    if ('error' in batch) {
      // The dataset has gone, or too much of it is damaged: what was learnt stays.
      yield* events.splice(0);
      if (saved < step) yield await save(run, step, seconds);
      throw batch.error;
    }
    const learningRate = learningRateAt(step, config.training);
    const terms = trainer.step(batch, step);
    // Where all pictures are in memory nothing else in a step waits, and signals and timers would not get their turn.
    await setImmediate();
    step++;
    seconds += (performance.now() - began) / 1000;
    yield* events.splice(0);
    assertFinite(terms, step, runDir);
    termsSinceRow = { ...termsSinceRow, ...terms };
    if (step % config.log.everySteps === 0 || step === 1) {
      const rssBytes = process.memoryUsage.rss();
      const row = {
        step,
        seconds,
        learningRate,
        ...rate.next(step, seconds),
        rssBytes,
        terms: termsSinceRow,
      };
      termsSinceRow = {};
      await metrics.write(row);
      await tensorboard?.row(row);
    }
    yield { type: 'step', step, terms, learningRate, seconds };
    if (step % config.log.sampleEverySteps === 0 || step === steps) yield await writeSamples(run, step);
    if (step % config.checkpoint.everySteps === 0 || step === steps) {
      yield await save(run, step, seconds);
      saved = step;
    }
  }
  if (saved < step) yield await save(run, step, seconds);
  yield { type: 'end', step, interrupted: step < steps };
}
