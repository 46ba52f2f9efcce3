// The loop over the steps of a run.
import { setImmediate } from 'node:timers/promises';
import { stageEnd } from '../config/growth.js';
import { learningRateOf } from '../gan/step-scalars.js';
import type { TrainEvent } from './events.js';
import type { Run } from './run.js';
import { type Progress, RunSaver } from './run-saver.js';
import { type StepResult, stepObservers } from './step-observers.js';
import { OBSERVERS, type ObserverName, type UnfinishedStep } from './unfinished-step.js';

/**
 * Takes the steps of a run from the one after `start` to the last of its stage, or until `signal`, and runs the observers that
 * are due after each. The last step has a checkpoint.
 *
 * @param unfinished what was left to do after the step `start`, which comes first.
 * @returns whether another stage follows.
 * @throws DivergedError; RunError where the disk refuses, the dataset has gone, or another process has taken the run over.
 */
export async function* takeSteps(
  run: Run,
  start: Progress,
  unfinished: UnfinishedStep | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, boolean> {
  const { config } = run.context;
  const { steps } = config.training;
  const until = stageEnd(config);
  const saver = new RunSaver(run, start.step);
  const observers = stepObservers(run, saver);
  const observe = async function* (
    result: StepResult,
    names: readonly ObserverName[],
  ): AsyncGenerator<TrainEvent> {
    for (const name of names) {
      if (!observers[name].due(result.step)) continue;
      // This process may have stood still: nothing may be written if the run is another's by now.
      await run.lock.check();
      yield* observers[name].run(result);
    }
  };
  if (unfinished !== undefined && !signal?.aborted) {
    const { observer, ...result } = unfinished;
    yield* observe({ ...start, ...result }, OBSERVERS.slice(OBSERVERS.indexOf(observer)));
  }
  let progress = start;
  while (progress.step < until && !signal?.aborted) {
    const result = await takeStep(run, saver, progress);
    progress = result;
    yield* run.events.splice(0);
    yield* observe(result, OBSERVERS);
  }
  if (!saver.isSaved(progress.step)) {
    await saver.histograms(progress);
    yield* saver.checkpoint(progress);
  }
  yield* run.events.splice(0);
  if (progress.step < steps && !signal?.aborted) return true;
  yield { type: 'end', step: progress.step, interrupted: progress.step < steps };
  return false;
}

async function takeStep(run: Run, saver: RunSaver, progress: Progress): Promise<StepResult> {
  const { context, trainer, batches, augment, lecam } = run;
  const { step } = progress;
  const began = performance.now();
  const batch = await saver.guard(() => batches.next(step, augment.probabilities, lecam.anchors), progress);
  const learningRate = learningRateOf(context, step);
  const terms = augment.observe(await trainer.step(batch, step));
  lecam.observe(terms);
  // An eager step does not wait: signals and timers get their turn here.
  if (!context.config.runtime.capture) await setImmediate();
  const seconds = progress.seconds + (performance.now() - began) / 1000;
  return { step: step + 1, seconds, terms, learningRate };
}
