import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import type { Dataset } from '../data/folder.js';
import { ImageLoader } from '../data/loader.js';
import { Sampler, type SamplerState } from '../data/sampler.js';
import { type AugmentProbabilities, drawTransforms } from '../gan/discriminator-augment.js';
import type { DomainImages } from './preparation/domain-images.js';
import { openPreparer, type Preparer } from './preparation/preparer.js';
import { type DomainDraws, drawStep, type StepDraws } from './preparation/step-draws.js';
import type { HostBatch } from './trainer.js';

/** What a checkpoint keeps of the data: the rest follows from seed and step. */
export interface BatchesState {
  samplerA: SamplerState;
  samplerB: SamplerState;
}

/** The same as a checkpoint has it: null where it comes from another program. */
export type SavedBatchesState = { [Name in keyof BatchesState]: BatchesState[Name] | null };

/** Transforms that change nothing. */
const NONE: AugmentProbabilities = { A: 0, B: 0 };

/** Steps whose images are prepared ahead of the one that is asked for. */
const MAX_AHEAD = 2;
/** What is prepared ahead may take this much memory, bytes, where it is more than one step. */
const AHEAD_BYTES = 128 * 2 ** 20;
const BYTES_PER_VALUE = Float32Array.BYTES_PER_ELEMENT;

/** Steps to prepare ahead: 2, or 1 where the four image arrays of two take over 128 MiB. */
function stepsAhead({ model, training }: Config): number {
  const stepBytes = 4 * training.batch * model.size * model.size * 3 * BYTES_PER_VALUE;
  return Math.min(MAX_AHEAD, Math.max(1, Math.floor(AHEAD_BYTES / stepBytes)));
}

/** A step whose images are on their way; undefined where the loader has none to give, and will tell why. */
interface PreparedStep {
  step: number;
  draws: Omit<StepDraws, 'A' | 'B'>;
  A: Promise<DomainImages | undefined>;
  B: Promise<DomainImages | undefined>;
}

export interface BatchesOptions {
  /** Where to go on. */
  state?: SavedBatchesState;
  /** Told once of every file that could not be decoded, with the first step that it is missing from. */
  onBadFile?: (file: string, error: unknown) => void;
  /** Who prepares the images, in place of what `data.workers` asks for; closed with the batches. */
  preparer?: Preparer;
}

/**
 * The training's inputs: loads images ahead of the step, augments them, draws styles and permutations. The draws of a
 * step depend on seed and step number (and on p, in adaptive augmentation) alone, so that a resumed run goes on exactly as one that never stopped.
 *
 * Reading, decoding and augmenting run ahead of the steps; reports, errors and the state belong to what was delivered.
 */
export class Batches {
  private readonly config: Config;
  private readonly loaderA: ImageLoader;
  private readonly loaderB: ImageLoader;
  private readonly preparer: Preparer;
  private readonly ahead: number;
  /** Steps one after the other, from the one that is expected next. */
  private prepared: PreparedStep[] = [];
  private position: BatchesState;
  private lastCall: Promise<unknown> = Promise.resolve();

  /** @throws InputError where the dataset is another one than the state's. */
  constructor(config: Config, dataset: Dataset, options: BatchesOptions = {}) {
    this.config = config;
    const { batch, seed } = config.training;
    const loader = (files: string[], name: 'samplerA' | 'samplerB'): ImageLoader => {
      const saved = options.state?.[name];
      return new ImageLoader({
        files,
        size: config.model.size,
        sampler: saved ? Sampler.fromState(saved) : new Sampler(files.length, new Rng(seed, name)),
        batch,
        cacheBytes: config.data.cacheBytes / 2,
        ...(options.onBadFile && { onBadFile: options.onBadFile }),
      });
    };
    this.loaderA = loader(dataset.trainA, 'samplerA');
    this.loaderB = loader(dataset.trainB, 'samplerB');
    this.position = this.loaderPosition();
    this.ahead = stepsAhead(config);
    this.preparer = options.preparer ?? openPreparer(config.data.workers);
  }

  /**
   * The batch of a step counted from 0, with the probabilities of its adaptive transforms where the config has them. Any
   * step may come first or next; only of steps one after the other is the work done ahead.
   *
   * @throws RunError where too many files cannot be read, or a worker thread has ended.
   */
  next(step: number, probabilities: AugmentProbabilities = NONE): Promise<HostBatch> {
    const result = this.lastCall.then(() => this.deliver(step, probabilities));
    this.lastCall = result.catch(() => undefined);
    return result;
  }

  /** The position after the batches that were delivered; one that failed has moved neither domain. */
  state(): BatchesState {
    return this.position;
  }

  /** Gives up what runs ahead, and waits until no thread is left. */
  async close(): Promise<void> {
    await Promise.all([this.loaderA.close(), this.loaderB.close(), this.preparer.close()]);
  }

  private async deliver(step: number, probabilities: AugmentProbabilities): Promise<HostBatch> {
    if (this.prepared[0]?.step !== step) this.prepared = [];
    while (this.prepared.length <= this.ahead) this.prepared.push(this.prepare(step, this.prepared.length));
    const { draws, ...images } = this.prepared.shift()!;
    await Promise.all([this.loaderA.skip(), this.loaderB.skip()]);
    const position = this.loaderPosition();
    const [A, B] = await Promise.all([images.A, images.B]);
    this.position = position;
    return {
      sameA: A!.same,
      sameB: B!.same,
      mixedA: A!.mixed,
      mixedB: B!.mixed,
      ...draws,
      ...drawTransforms(this.config, step, probabilities),
    };
  }

  /** Has the step prepared that comes `index` steps after `step`, with the batches that come so far after the next ones. */
  private prepare(step: number, index: number): PreparedStep {
    const { A, B, ...draws } = drawStep(this.config, step + index);
    const work = async (loader: ImageLoader, domain: DomainDraws): Promise<DomainImages | undefined> => {
      const images = await loader.peek(index);
      return images && this.preparer.prepare({ images, size: this.config.model.size, ...domain });
    };
    const prepared = { step: step + index, draws, A: work(this.loaderA, A), B: work(this.loaderB, B) };
    // What goes wrong is told with the step; a step that is never asked for has nobody to tell.
    for (const images of [prepared.A, prepared.B]) images.catch(() => undefined);
    return prepared;
  }

  private loaderPosition(): BatchesState {
    return { samplerA: this.loaderA.state(), samplerB: this.loaderB.state() };
  }
}
