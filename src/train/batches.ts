import { applyAugmentation, drawAugmentation } from '../augment/augment.js';
import type { Config } from '../config/schema.js';
import type { Dataset } from '../data/folder.js';
import { ImageLoader } from '../data/loader.js';
import { Sampler, type SamplerState } from '../data/sampler.js';
import { Rng } from '../runtime/rng.js';
import { type AugmentProbabilities, drawTransforms } from './judged-pictures.js';
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

/** Bytes to [-1, 1]. */
function normalise(bytes: Uint8Array): Float32Array {
  const out = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[i]! / 127.5 - 1;
  return out;
}

/**
 * The training's inputs: loads pictures ahead of the step, augments them, draws styles and permutations. The draws of a
 * step depend on seed and step number (and on p, in adaptive augmentation) alone, so that a resumed run goes on exactly as one that never stopped.
 */
export class Batches {
  private readonly config: Config;
  private readonly loaderA: ImageLoader;
  private readonly loaderB: ImageLoader;
  private position: BatchesState;

  /** @param state where to go on. @throws InputError where the dataset is another one than the state's. */
  constructor(
    config: Config,
    dataset: Dataset,
    options: { state?: SavedBatchesState; onBadFile?: (file: string, error: unknown) => void } = {},
  ) {
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
  }

  /**
   * The batch of a step counted from 0, with the probabilities of its adaptive transforms where the config has them.
   *
   * @throws RunError where too many files cannot be read.
   */
  async next(step: number, probabilities: AugmentProbabilities = NONE): Promise<HostBatch> {
    const [a, b] = await Promise.all([this.loaderA.next(), this.loaderB.next()]);
    this.position = this.loaderPosition();
    const { batch } = this.config.training;
    const { latentDim } = this.config.model;
    const rng = new Rng(this.config.training.seed, 'step').fork(String(step));
    const A = this.augmentBoth(normalise(a.images), rng);
    const B = this.augmentBoth(normalise(b.images), rng);
    return {
      sameA: A.same,
      sameB: B.same,
      mixedA: A.mixed,
      mixedB: B.mixed,
      drawnA2B: rng.normals(batch * latentDim),
      drawnB2A: rng.normals(batch * latentDim),
      pickA2B: rng.permutation(2 * batch).slice(0, batch),
      pickB2A: rng.permutation(2 * batch).slice(0, batch),
      orderA: rng.permutation(batch),
      orderB: rng.permutation(batch),
      ...drawTransforms(this.config, step, probabilities),
    };
  }

  /** The position after the batches that were delivered; one that failed has moved neither domain. */
  state(): BatchesState {
    return this.position;
  }

  async close(): Promise<void> {
    await Promise.all([this.loaderA.close(), this.loaderB.close()]);
  }

  private loaderPosition(): BatchesState {
    return { samplerA: this.loaderA.state(), samplerB: this.loaderB.state() };
  }

  /** All pictures augmented once, and one of them augmented differently over the whole batch (train.py, A and aug_A). */
  private augmentBoth(pictures: Float32Array, rng: Rng): { mixed: Float32Array; same: Float32Array } {
    const { size } = this.config.model;
    const { batch } = this.config.training;
    const length = size * size * 3;
    const augment = (indices: readonly number[]): Float32Array => {
      const out = new Float32Array(batch * length);
      indices.forEach((index, i) => {
        const picture = pictures.subarray(index * length, (index + 1) * length);
        applyAugmentation(
          picture,
          size,
          drawAugmentation(this.config.data.augment, size, rng),
          out,
          i * length,
        );
      });
      return out;
    };
    const mixed = augment([...Array(batch).keys()]);
    return { mixed, same: augment(Array<number>(batch).fill(rng.integer(batch))) };
  }
}
