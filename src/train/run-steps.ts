// The loop over the steps of a run.
import { setImmediate } from 'node:timers/promises';
import { stageEnd } from '../config/growth.js';
import type { HostBatch } from '../gan/batch.js';
import { learningRateOf } from '../gan/step-scalars.js';
import type { TrainEvent } from './events.js';
import type { Run } from './run.js';
import { type Progress, RunSaver } from './run-saver.js';
import { type StepResult, stepObservers } from './step-observers.js';
import type { TermValues } from './trainer.js';
import { OBSERVERS, type ObserverName, type UnfinishedStep } from './unfinished-step.js';

/** What a step changes. */
type Stepper = Pick<Run, 'context' | 'trainer' | 'augment' | 'lecam' | 'peers'>;

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
  if (unfinished !== undefined && (await run.peers.next(signal)) === 'go on') {
    const { observer, ...result } = unfinished;
    yield* observe({ ...start, ...result }, OBSERVERS.slice(OBSERVERS.indexOf(observer)));
  }
  let progress = start;
  while (progress.step < until && (await run.peers.next(signal)) === 'go on') {
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
  // The other ranks wait for it in any case: the last checkpoint too may show divergence.
  const next = await run.peers.next(signal);
  if (progress.step < steps && next === 'go on') return true;
  yield { type: 'end', step: progress.step, interrupted: progress.step < steps };
  return false;
}

function takeStep(run: Run, saver: RunSaver, progress: Progress): Promise<StepResult> {
  const { context, batches, augment, lecam, world } = run;
  const { step } = progress;
  return world.together(async () => {
    const began = performance.now();
    const batch = await saver.guard(() => batches.next(step, augment.probabilities, lecam.anchors), progress);
    const learningRate = learningRateOf(context, step);
    const terms = await advance(run, batch, step);
    const seconds = progress.seconds + (performance.now() - began) / 1000;
    return { step: step + 1, seconds, terms, learningRate };
  });
}

/** Takes the step of this index, on all ranks. @returns its terms, which are the same on all of them. */
export async function advance(
  { context, trainer, augment, lecam, peers }: Stepper,
  batch: HostBatch,
  step: number,
): Promise<TermValues> {
  const { distributed, runtime, training } = context.config;
  const terms = augment.observe(await peers.average(await trainer.step(batch, step)), step);
  lecam.observe(terms);
  if ((step + 1) % distributed.checkEverySteps === 0 || step + 1 === training.steps)
    await peers.checkWeights(trainer, step + 1);
  // An eager step does not wait: signals and timers get their turn here.
  if (!runtime.capture) await setImmediate();
  return terms;
}
