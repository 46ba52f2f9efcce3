import { setImmediate } from 'node:timers/promises';
import { messageOf } from '../base/errors.js';
import { freeUnusedMemory } from '../base/malloc-trim.js';
import type { Config } from '../config/schema.js';
import type { TranslatingWeights } from '../gan/state.js';
import type { StepContext } from '../gan/step.js';
import type { ComputeFacts } from '../runtime/compute-facts.js';
import { inTrueFloat32 } from '../runtime/session.js';
import type { Translator } from '../translate/translator.js';
import type { AdaptiveAugment } from './adaptive-augment.js';
import type { Batches } from './batches.js';
import { saveTraining } from './checkpoint-state.js';
import { assertFinite, finiteWeights, unsaved } from './divergence.js';
import type { TrainEvent } from './events.js';
import type { RunLog } from './log/run-log.js';
import type { RunPage } from './log/run-report.js';
import type { Samples } from './log/samples.js';
import { learningRateOf, type TermValues, type Trainer } from './trainer.js';
import type { BestCheckpoint } from './watch/best-checkpoint.js';
import type { CollapseWatch } from './watch/collapse-watch.js';
import type { StyleDiversity } from './watch/style-diversity.js';

/** All that the steps of a run need. */
export interface Run {
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
  /** What computes, for checkpoints. */
  engine: ComputeFacts;
  evaluate?: (translator: Translator) => Promise<TermValues>;
  /** What happened beside the steps, to be told with the next one. */
  events: TrainEvent[];
}

/** Writes the sample grids of a step, and the page with them. */
export async function writeSamples(run: Run, step: number): Promise<TrainEvent> {
  const { context, samples, trainer, log, runDir } = run;
  const write = async (weights: TranslatingWeights): Promise<string> => {
    const path = await samples.write(runDir, step, trainer.translator(weights), weights);
    await log.tensorboard?.samples(step, path, weights);
    return path;
  };
  const path = await write('ema');
  const rawPath = context.config.log.sampleRaw && (await write('raw'));
  await writePage(run, step);
  freeUnusedMemory();
  return { type: 'samples', step, path, ...(rawPath && { rawPath }) };
}

/** Writes the run's page; a failure becomes a warning. */
export async function writePage({ page, events }: Run, step: number): Promise<void> {
  const error = await page.write({ isTraining: true, step });
  if (error === undefined) return;
  const text = `step ${step}: the report page was not written: ${messageOf(error)}`;
  events.push({ type: 'warning', step, text });
}

async function save(run: Run, step: number, seconds: number): Promise<TrainEvent> {
  const { context, runDir, trainer, batches, augment, watch, best, log, engine } = run;
  const { config, networks, rateScale = 1 } = context;
  const progress = {
    ...batches.state(),
    seconds,
    rateScale,
    watch: watch.state(),
    adaptiveAugment: augment.state(),
    sinceRow: log.state(),
    engine,
    ...(config.checkpoint.keepBest !== null && { best: best.state() }),
  };
  const read: Trainer['read'] = (select) => finiteWeights(trainer.read(select), { step, runDir, rateScale });
  const dir = await saveTraining(runDir, step, config, networks, read, progress);
  return { type: 'checkpoint', step, dir };
}

/** Whether step `step`, counted from 1, is one of every so many, or the last. */
function isDue(step: number, everySteps: number, { training }: Config): boolean {
  return step % everySteps === 0 || step === training.steps;
}

/** The figures of an evaluation, where one is due. */
async function evaluated({ context, trainer, evaluate }: Run, step: number): Promise<TermValues> {
  const { everySteps } = context.config.evaluation;
  if (evaluate === undefined || everySteps === null || !isDue(step, everySteps, context.config)) return {};
  return await inTrueFloat32(() => evaluate(trainer.translator('ema')));
}

/** Looks at what a step told. @returns warnings. @throws DivergedError. */
function observe(run: Run, terms: TermValues, step: number): string[] {
  const { context, runDir, trainer, watch, diversity, best, log } = run;
  const { config, rateScale = 1 } = context;
  assertFinite(terms, { step, runDir, rateScale });
  if (diversity && step % config.watch.everySteps === 0)
    terms['signals/styleDiversity'] = diversity.measure(trainer.translator('ema'));
  best.observe(terms);
  const warnings = watch.observe(step, terms);
  log.observe(terms, warnings);
  return warnings;
}

/**
 * Takes the steps of a run from the one after `firstStep` to the last, or until `signal`, with all that is due between them.
 *
 * @param secondsBefore time spent in training before.
 * @throws DivergedError, RunError where the disk refuses or the dataset has gone.
 */
export async function* takeSteps(
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
    freeUnusedMemory();
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
    const terms = augment.observe(await trainer.step(batch, step));
    // An eager step does not wait: signals and timers get their turn here.
    if (!config.runtime.capture) await setImmediate();
    step++;
    seconds += (performance.now() - began) / 1000;
    yield* events.splice(0);
    Object.assign(terms, await beside(evaluated(run, step)));
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
