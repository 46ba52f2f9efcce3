// The inputs of training steps: loads, augments and draws them ahead of the steps.
import { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import type { Dataset } from '../data/folder.js';
import { ImageLoader } from '../data/loader.js';
import { type BatchShare, Sampler, type SamplerState } from '../data/sampler.js';
import { SOLO, type World } from '../distributed/world.js';
import type { HostBatch } from '../gan/batch.js';
import { type AugmentProbabilities, drawTransforms } from '../gan/discriminator-augment.js';
import { type Both, bothDomains, DOMAINS } from '../gan/domains.js';
import { type Anchors, anchorInputs } from '../gan/lecam-anchors.js';
import type { DomainImages } from './preparation/domain-images.js';
import { openPreparer, type Preparer } from './preparation/preparer.js';
import { drawStep, type StepDraws, sharesImage } from './preparation/step-draws.js';

/** The samplers' state in a checkpoint; everything else follows from seed and step. */
export interface BatchesState {
  samplerA: SamplerState;
  samplerB: SamplerState;
}

/** The state as a checkpoint has it: null in a checkpoint of another program. */
export type SavedBatchesState = { [Name in keyof BatchesState]: BatchesState[Name] | null };

/** The names of the samplers' states, which are also those of their random streams. */
const SAMPLERS = { A: 'samplerA', B: 'samplerB' } as const;

/** Probabilities with which nothing is transformed. */
const NO_TRANSFORMS: AugmentProbabilities = bothDomains(() => 0);

/** Maximum number of steps to prepare ahead of the requested one. */
const MAX_AHEAD = 2;
/** Limit on the memory of prepared steps, bytes; one step is prepared whatever it takes. */
const AHEAD_BYTES = 128 * 2 ** 20;
const BYTES_PER_VALUE = Float32Array.BYTES_PER_ELEMENT;

/** Number of steps to prepare ahead: 2, or 1 if the four image arrays of two steps take over 128 MiB. */
function stepsAhead({ model, training }: Config): number {
  const stepBytes = 4 * training.batch * model.size * model.size * 3 * BYTES_PER_VALUE;
  return Math.min(MAX_AHEAD, Math.max(1, Math.floor(AHEAD_BYTES / stepBytes)));
}

/** A step whose images are being prepared; undefined if the loader has failed, which it reports when the step is delivered. */
interface PreparedStep {
  step: number;
  inputs: StepDraws['inputs'];
  images: Both<Promise<DomainImages | undefined>>;
}

export interface BatchesOptions {
  /** The state to continue from. */
  state?: SavedBatchesState;
  /** Called once for every file that could not be decoded, at the first step that it is missing from. */
  onBadFile?: (file: string, error: unknown) => void;
  /** Replaces the preparer that `data.workers` asks for; closed with the batches. */
  preparer?: Preparer;
  /** The rank of this process and its share of the processors; a world of one by default. */
  world?: Pick<World, 'rank' | 'size' | 'processors'>;
}

/**
 * The inputs of training: loads images ahead of the step, augments them, and draws styles and permutations. The draws of
 * a step depend only on the seed and the step number (and on p, in adaptive augmentation), so that a resumed run continues
 * exactly like one that never stopped. Several ranks draw images from one order without overlap, and all else from streams of
 * their own; their samplers have the same state.
 *
 * Reading, decoding and augmenting run ahead of the steps; callbacks, errors and the state refer to delivered steps only.
 */
export class Batches {
  private readonly config: Config;
  private readonly loaders: Both<ImageLoader>;
  private readonly preparer: Preparer;
  private readonly ahead: number;
  private readonly share: BatchShare;
  /** Consecutive steps, starting with the one that is expected next. */
  private prepared: PreparedStep[] = [];
  private position: BatchesState;
  private lastCall: Promise<unknown> = Promise.resolve();

  /** @throws InputError if the dataset is not the one of the state. */
  constructor(config: Config, dataset: Dataset, options: BatchesOptions = {}) {
    this.config = config;
    const { batch, seed } = config.training;
    const { rank, size, processors } = options.world ?? SOLO;
    this.share = { rank, size, withFirst: sharesImage(config, size) };
    this.loaders = bothDomains((domain) => {
      const files = dataset[`train${domain}`];
      const name = SAMPLERS[domain];
      const saved = options.state?.[name];
      return new ImageLoader({
        files,
        size: config.model.size,
        sampler: saved ? Sampler.fromState(saved) : new Sampler(files.length, new Rng(seed, name)),
        batch,
        share: this.share,
        cacheBytes: config.data.cacheBytes / 2,
        ...(options.onBadFile && { onBadFile: options.onBadFile }),
      });
    });
    this.position = this.loaderPosition();
    this.ahead = stepsAhead(config);
    this.preparer = options.preparer ?? openPreparer(config.data.workers, processors);
  }

  /**
   * The batch of a step counted from 0. Steps may come in any order, but only consecutive steps are prepared ahead.
   *
   * @param probabilities of the adaptive transforms, if the config enables them.
   * @param anchors of LeCam regularisation, if the config asks for it; zeros by default.
   * @throws RunError if too many files cannot be read, or a worker thread has ended.
   */
  next(
    step: number,
    probabilities: AugmentProbabilities = NO_TRANSFORMS,
    anchors?: Both<Anchors>,
  ): Promise<HostBatch> {
    const result = this.lastCall.then(() => this.deliver(step, probabilities, anchors));
    this.lastCall = result.catch(() => undefined);
    return result;
  }

  /** The position after the delivered batches; a failed one advances neither domain. */
  state(): BatchesState {
    return this.position;
  }

  /** Cancels the preparation of further steps and waits until all threads have ended. */
  async close(): Promise<void> {
    await Promise.all([this.loaders.A.close(), this.loaders.B.close(), this.preparer.close()]);
  }

  private async deliver(
    step: number,
    probabilities: AugmentProbabilities,
    anchors: Both<Anchors> | undefined,
  ): Promise<HostBatch> {
    if (this.prepared[0]?.step !== step) this.prepared = [];
    while (this.prepared.length <= this.ahead) this.prepared.push(this.prepare(step, this.prepared.length));
    const { inputs, images } = this.prepared.shift()!;
    await Promise.all([this.loaders.A.skip(), this.loaders.B.skip()]);
    const position = this.loaderPosition();
    const [A, B] = await Promise.all([images.A, images.B]);
    this.position = position;
    const prepared = { A: A!, B: B! };
    const transforms = drawTransforms(this.config, step, probabilities, this.share.rank);
    const averages = anchorInputs(this.config, anchors);
    return bothDomains((domain) => ({
      ...prepared[domain],
      ...inputs[domain],
      ...transforms[domain],
      ...averages[domain],
    }));
  }

  /** Prepares the step that comes `index` steps after `step`, from the loaders' batches at that distance. */
  private prepare(step: number, index: number): PreparedStep {
    const draws = drawStep(this.config, step + index, this.share);
    const images = bothDomains(async (domain): Promise<DomainImages | undefined> => {
      const loaded = await this.loaders[domain].peek(index);
      return (
        loaded &&
        this.preparer.prepare({ images: loaded, size: this.config.model.size, ...draws.images[domain] })
      );
    });
    // Errors are thrown when the step is delivered; those of a step that is never requested are dropped.
    for (const domain of DOMAINS) images[domain].catch(() => undefined);
    return { step: step + index, inputs: draws.inputs, images };
  }

  private loaderPosition(): BatchesState {
    return { samplerA: this.loaders.A.state(), samplerB: this.loaders.B.state() };
  }
}
