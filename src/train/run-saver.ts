// Saves checkpoints of a run, also when something beside the steps fails.
import { freeUnusedMemory } from '../base/malloc-trim.js';
import { saveTraining } from './checkpoint-state.js';
import { finiteWeights, unsaved } from './divergence.js';
import type { TrainEvent } from './events.js';
import type { Run } from './run.js';
import type { Trainer } from './trainer.js';
import type { UnfinishedStep } from './unfinished-step.js';

/** How far a run has come. */
export interface Progress {
  /** Steps done. */
  step: number;
  /** Time spent in training, s, including that before a resume. */
  seconds: number;
}

const MINUTE_MILLISECONDS = 60_000;

/** Saves the state of a run, and remembers the newest step that is saved and the time of that. */
export class RunSaver {
  private savedAt: number;

  /** @param saved the step that the run starts from. */
  constructor(
    private readonly run: Run,
    private saved: number,
  ) {
    this.savedAt = run.clock();
  }

  /** Time since the start of the run or its newest checkpoint. */
  get minutesSinceSave(): number {
    return (this.run.clock() - this.savedAt) / MINUTE_MILLISECONDS;
  }

  isSaved(step: number): boolean {
    return this.saved >= step;
  }

  /**
   * Saves a checkpoint between those of `checkpoint.everySteps`. The next checkpoint replaces it, and nothing else of the
   * run depends on it: when it is written depends on the speed of the machine.
   */
  async *interimCheckpoint(progress: Progress): AsyncGenerator<TrainEvent> {
    yield await this.save(progress, { isInterim: true });
    freeUnusedMemory();
  }

  /** Saves a checkpoint. */
  async *checkpoint(progress: Progress): AsyncGenerator<TrainEvent> {
    yield await this.save(progress);
    freeUnusedMemory();
  }

  /** Logs histograms of the weights that the next checkpoint has. */
  async histograms(progress: Progress, unfinished?: UnfinishedStep): Promise<void> {
    const { log, trainer } = this.run;
    await this.guard(async () => log.tensorboard?.weights(progress.step, trainer), progress, unfinished);
  }

  /**
   * Waits for work beside the steps. If it fails (the dataset has gone, a log cannot be written), the steps since the last
   * checkpoint are saved before its error is thrown.
   *
   * @param unfinished what is left to do after the step if the work fails: a resumed run begins with that.
   * @throws what the work throws; RunError with both causes where the steps cannot be saved either.
   */
  async guard<T>(work: () => Promise<T>, progress: Progress, unfinished?: UnfinishedStep): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const rescue = (cause: unknown) => Promise.reject(unsaved(error, this.saved, cause));
      if (!this.isSaved(progress.step))
        this.run.events.push(await this.save(progress, { ...(unfinished && { unfinished }) }).catch(rescue));
      throw error;
    }
  }

  private async save(
    { step, seconds }: Progress,
    marks: { isInterim?: true; unfinished?: UnfinishedStep } = {},
  ): Promise<TrainEvent> {
    const { context, runDir, trainer, batches, augment, lecam, watch, best, log, engine, lock, world } =
      this.run;
    const { config, networks, rateScale = 1 } = context;
    const progress = {
      ...batches.state(),
      seconds,
      rateScale,
      watch: watch.state(),
      adaptiveAugment: augment.state(),
      lecamAnchors: lecam.state(),
      sinceRow: log.state(),
      engine,
      ...(world.size > 1 && { ranks: world.size }),
      ...marks,
      ...(config.checkpoint.keepBest !== null && { best: best.state() }),
    };
    const read: Trainer['read'] = (select) =>
      finiteWeights(trainer.read(select), { step, runDir, rateScale });
    const options = { confirm: () => lock.check('now') };
    const dir = await saveTraining(runDir, step, config, networks, read, progress, options);
    this.saved = step;
    this.savedAt = this.run.clock();
    return { type: 'checkpoint', step, dir };
  }
}
