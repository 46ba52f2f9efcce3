// What happens after a step, each in an observer of its own: evaluation, watch, log, event, samples, checkpoint.
import { stageEnd } from '../config/growth.js';
import type { Config } from '../config/schema.js';
import { isInitialization } from '../optim/schedule.js';
import { inTrueFloat32 } from '../runtime/session.js';
import type { Translator } from '../translate/translator.js';
import { assertFinite } from './divergence.js';
import type { TrainEvent } from './events.js';
import { type Run, writeSamples } from './run.js';
import type { Progress, RunSaver } from './run-saver.js';
import type { TermValues, Trainer } from './trainer.js';
import type { ObserverName, UnfinishedStep } from './unfinished-step.js';

/** A step that is done. */
export interface StepResult extends Progress {
  /** Observers may add terms for those after them. */
  terms: TermValues;
  learningRate: number;
}

/** Looks at the steps that it is due for. */
export interface StepObserver {
  /** @param step counted from 1. */
  due(step: number): boolean;
  run(result: StepResult): AsyncIterable<TrainEvent>;
}

const always = (): boolean => true;

function withoutEvents(work: (result: StepResult) => Promise<void>): StepObserver['run'] {
  return async function* (result) {
    await work(result);
    yield* [];
  };
}

/** Whether a step, counted from 1, is one of every `everySteps`, or the last of its stage or of the run. */
function isDue(step: number, everySteps: number, config: Config): boolean {
  return step % everySteps === 0 || step === stageEnd(config);
}

/**
 * The observers of a run, which look at a step in the order of `OBSERVERS`: each may use what those before it have added to
 * the terms, and a checkpoint has the state that all of them leave.
 */
export function stepObservers(run: Run, saver: RunSaver): Record<ObserverName, StepObserver> {
  return {
    evaluation: evaluation(run, saver),
    watch: watch(run),
    metrics: metricsLog(run, saver),
    event: { due: always, run: stepEvent },
    samples: samples(run, saver),
    histograms: histograms(run, saver),
    checkpoint: checkpoint(run, saver),
  };
}

/** What is left to do after a step from an observer on. */
function unfinishedFrom(observer: ObserverName, { terms, learningRate }: StepResult): UnfinishedStep {
  return { observer, terms, learningRate };
}

async function* stepEvent({ step, terms, learningRate, seconds }: StepResult): AsyncGenerator<TrainEvent> {
  yield { type: 'step', step, terms, learningRate, seconds };
}

/** Whether an evaluation follows a step, counted from 1. */
export function isEvaluated(step: number, config: Config): boolean {
  const { everySteps } = config.evaluation;
  return everySteps !== null && isDue(step, everySteps, config);
}

/** Measures the averaged weights, together with the other ranks. */
export function measureWeights(
  trainer: Trainer,
  evaluate: (translator: Translator) => Promise<TermValues>,
): Promise<TermValues> {
  return inTrueFloat32(() => evaluate(trainer.translator('ema')));
}

/** Adds the figures of `evaluate` to the terms. */
function evaluation({ context, trainer, evaluate }: Run, saver: RunSaver): StepObserver {
  return {
    due: (step) => evaluate !== undefined && isEvaluated(step, context.config),
    run: withoutEvents(async (result) => {
      const measure = () => measureWeights(trainer, evaluate!);
      const figures = await saver.guard(measure, result, unfinishedFrom('evaluation', result));
      Object.assign(result.terms, figures);
    }),
  };
}

/**
 * Checks the terms, adds style diversity when it is due, and yields warnings. Throws DivergedError. In the initialization phase
 * nothing is translated yet, so its figures neither warn nor make a checkpoint the best.
 */
function watch({ context, runDir, trainer, watch, diversity, best, log, peers }: Run): StepObserver {
  const { config, rateScale = 1 } = context;
  return {
    due: always,
    async *run({ step, terms }) {
      assertFinite(terms, { step, runDir, rateScale, rank: peers.culprit });
      if (diversity && step % config.watch.everySteps === 0)
        terms['signals/styleDiversity'] = diversity.measure(trainer.translator('ema'));
      const translates = !isInitialization(step - 1, config.training);
      if (translates) best.observe(terms);
      const warnings = translates ? watch.observe(step, terms) : [];
      log.observe(terms, warnings);
      for (const text of warnings) yield { type: 'warning', step, text };
    },
  };
}

/** Writes a row of metrics. */
function metricsLog({ context, log }: Run, saver: RunSaver): StepObserver {
  const { everySteps } = context.config.log;
  return {
    due: (step) => step % everySteps === 0 || step === 1,
    run: withoutEvents(async (result) => {
      const { step, seconds, learningRate } = result;
      const write = () => log.write({ step, seconds, learningRate });
      await saver.guard(write, result, unfinishedFrom('metrics', result));
    }),
  };
}

function samples(run: Run, saver: RunSaver): StepObserver {
  const { config } = run.context;
  return {
    due: (step) => isDue(step, config.log.sampleEverySteps, config),
    async *run(result) {
      const write = () => writeSamples(run, result.step);
      yield await saver.guard(write, result, unfinishedFrom('samples', result));
    },
  };
}

/** Logs histograms before a checkpoint of `checkpoint.everySteps`: what a checkpoint has passed is not logged again. */
function histograms({ context: { config } }: Run, saver: RunSaver): StepObserver {
  return {
    due: (step) => isDue(step, config.checkpoint.everySteps, config),
    run: withoutEvents((result) => saver.histograms(result, unfinishedFrom('histograms', result))),
  };
}

/**
 * Saves every `checkpoint.everySteps` steps, after it has closed the stretch that the best checkpoint is chosen by, and
 * between them when `checkpoint.everyMinutes` have passed since the newest checkpoint.
 */
function checkpoint({ context, best }: Run, saver: RunSaver): StepObserver {
  const { config } = context;
  const { everySteps, everyMinutes } = config.checkpoint;
  const isRegular = (step: number) => isDue(step, everySteps, config);
  return {
    due: (step) => isRegular(step) || (everyMinutes !== null && saver.minutesSinceSave >= everyMinutes),
    async *run(result) {
      const { step, terms } = result;
      if (!isRegular(step)) return yield* saver.interimCheckpoint(result);
      if (!isInitialization(step - 1, config.training) && !best.closeStretch(step))
        yield { type: 'warning', step, text: noMetric(config, terms, step) };
      yield* saver.checkpoint(result);
    },
  };
}

function noMetric({ checkpoint }: Config, terms: TermValues, step: number): string {
  const known = Object.keys(terms).join(', ');
  return `step ${step}: checkpoint.keepBest.metric, ${checkpoint.keepBest?.metric}, had no value since the previous checkpoint; a step has ${known}`;
}
