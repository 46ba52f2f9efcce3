// Forecast of a run: the time and memory that its config takes on this machine.
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { Rng } from '../base/rng.js';
import { type Stage, stagesOf } from '../config/growth.js';
import { dataRoot } from '../config/load.js';
import { type Config, configSchema } from '../config/schema.js';
import { type Dataset, openDataset } from '../data/folder.js';
import { buildNetworks, initNetworks, type Networks } from '../gan/networks.js';
import type { StepContext } from '../gan/step.js';
import { type PeakMemory, peakMemory } from '../runtime/memory.js';
import type { Translator } from '../translate/translator.js';
import { Batches } from './batches.js';
import { openTrainer } from './open-trainer.js';
import { loadPerceptual } from './perceptual-weights.js';
import type { Trainer } from './trainer.js';

/** Number of steps of each kind. The first of a kind allocates memory and selects algorithms, so it does not count. */
const STEPS = { withR1: 3, plain: 6 };
const TIMED_STEPS = STEPS.withR1 + STEPS.plain;
const R1_STEP = 0;
const PLAIN_STEP = 1;

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What a stage of a run takes. */
export interface StageForecast {
  /** Side of the images, px. */
  size: number;
  /** Images of each domain in a step. */
  batch: number;
  steps: number;
  parameters: { generators: number; discriminators: number };
  /** Seconds of a step, without and with R1. */
  stepSeconds: { plain: number; withR1: number };
  /** Seconds of an evaluation; undefined if the config has none. */
  evaluationSeconds?: number;
  /** Time of all its steps and evaluations. */
  seconds: number;
}

/** What training takes on this machine, measured on a few steps and on reading the state for a checkpoint. */
export interface Forecast extends PeakMemory {
  images: { trainA: number; trainB: number };
  /** One, or more with `training.growth`. */
  stages: StageForecast[];
  /** Time of all steps and evaluations, without samples and the writing of checkpoints. */
  totalSeconds: number;
  /** The most work that a crash can cost: the longest stretch between two checkpoints. */
  maxLoss: { steps: number; seconds: number };
}

/**
 * The longest stretch between two checkpoints of a run, which `checkpoint.everySteps` or `checkpoint.everyMinutes` ends.
 *
 * @param stepSeconds mean time of a step.
 */
export function maxLoss({ checkpoint, training }: Config, stepSeconds: number): Forecast['maxLoss'] {
  const { everySteps, everyMinutes } = checkpoint;
  // A checkpoint by time follows the step in which the time has passed.
  const byTime =
    everyMinutes === null ? Number.POSITIVE_INFINITY : Math.ceil((everyMinutes * 60) / stepSeconds);
  const steps = Math.min(everySteps, byTime, training.steps);
  return { steps, seconds: steps * stepSeconds };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * Takes a few steps of each stage of a run and writes nothing.
 *
 * @param evaluate measures the EMA weights as the run's evaluations will, once for each stage, if it has any.
 * @throws InputError for any config or data that the run would reject.
 */
export async function forecast(
  options: Config,
  onStep: (done: number, total: number) => void = () => undefined,
  evaluate?: (translator: Translator) => Promise<unknown>,
): Promise<Forecast> {
  const config = configSchema.parse(options);
  const dataset = await openDataset(dataRoot(config), { requireTest: false });
  const perceptual = await loadPerceptual(config);
  try {
    const planned = stagesOf(config);
    const stages: StageForecast[] = [];
    for (const [i, stage] of planned.entries()) {
      const done = i * TIMED_STEPS;
      const onStageStep = (step: number) => onStep(done + step, planned.length * TIMED_STEPS);
      stages.push(await stageForecast(stage, dataset, perceptual, onStageStep, evaluate));
      freeUnusedMemory();
    }
    const losses = stages.map(({ seconds, steps }, i) => maxLoss(planned[i]!.config, seconds / steps));
    return {
      images: { trainA: dataset.trainA.length, trainB: dataset.trainB.length },
      stages,
      totalSeconds: stages.reduce((total, { seconds }) => total + seconds, 0),
      maxLoss: losses.reduce((worst, loss) => (loss.seconds > worst.seconds ? loss : worst)),
      ...peakMemory(),
    };
  } finally {
    perceptual?.dispose();
  }
}

/** Number of evaluations of a stage; its last step has one too. */
function evaluationsOf({ config, from, until }: Stage): number {
  const { everySteps } = config.evaluation;
  return everySteps === null ? 0 : Math.ceil(until / everySteps) - Math.floor(from / everySteps);
}

async function stageForecast(
  { config, from, until }: Stage,
  dataset: Dataset,
  perceptual: StepContext['perceptual'],
  onStep: (done: number) => void,
  evaluate: ((translator: Translator) => Promise<unknown>) | undefined,
): Promise<StageForecast> {
  const networks = buildNetworks(config);
  const batches = new Batches(config, dataset);
  let trainer: Trainer | undefined;
  try {
    trainer = makeTrainer({ config, networks, ...(perceptual && { perceptual }) }, networks);
    freeUnusedMemory();
    const stepSeconds = await timeSteps(trainer, batches, onStep);
    // A checkpoint reads the state like this.
    for (const _ of trainer.read());
    const { batch, r1EverySteps, r1Weight } = config.training;
    const r1StepsBefore = (step: number) => (r1Weight !== 0 ? Math.ceil(step / r1EverySteps) : 0);
    const r1Steps = r1StepsBefore(until) - r1StepsBefore(from);
    const steps = until - from;
    const evaluationSeconds = evaluate && (await secondsOf(() => evaluate(trainer!.translator('ema'))));
    return {
      size: config.model.size,
      batch,
      steps,
      ...(evaluationSeconds !== undefined && { evaluationSeconds }),
      parameters: {
        generators: networks.generators.parameterCount,
        discriminators: networks.discriminators.parameterCount,
      },
      stepSeconds,
      seconds:
        r1Steps * stepSeconds.withR1 +
        (steps - r1Steps) * stepSeconds.plain +
        evaluationsOf({ config, from, until }) * (evaluationSeconds ?? 0),
    };
  } finally {
    await batches.close();
    trainer?.dispose();
  }
}

function makeTrainer(context: StepContext, networks: Networks): Trainer {
  const values = initNetworks(networks, new Rng(context.config.training.seed, 'init'));
  return openTrainer(context, { values });
}

/** Times steps as a run takes them, including the wait for images that are not ready in time. */
async function timeSteps(trainer: Trainer, batches: Batches, onStep: (done: number) => void) {
  let done = 0;
  const time = async (count: number, index: number): Promise<number> => {
    const seconds: number[] = [];
    for (let i = 0; i < count; i++) {
      const began = performance.now();
      await trainer.step(await batches.next(done), index);
      onStep(++done);
      seconds.push((performance.now() - began) / 1000);
    }
    return median(seconds.slice(1));
  };
  return { withR1: await time(STEPS.withR1, R1_STEP), plain: await time(STEPS.plain, PLAIN_STEP) };
}
