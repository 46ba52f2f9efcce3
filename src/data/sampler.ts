// Draws the indices of batches, epoch after epoch, from a seed and a state that checkpoints hold.
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { formatIssues } from '../base/parse-or-throw.js';
import { Rng } from '../base/rng.js';

const count = z.int().nonnegative();

/** The state of a sampler in a checkpoint: JSON values that suffice to continue with the next index. */
export const samplerStateSchema = z.strictObject({
  /** Number of images in the set. */
  count: z.int().positive(),
  /** Number of epochs begun before the current one. */
  epoch: count,
  /** Number of indices of the current epoch that were returned. */
  position: count,
  /** State of the random number generator before it shuffled the current epoch. */
  rng: z.strictObject({ seed: count, stream: count, drawn: count }),
});

export type SamplerState = z.infer<typeof samplerStateSchema>;

/** One rank's share of the batches of several, which draw from one order without overlap. */
export interface BatchShare {
  /** The number of this rank, from 0. */
  rank: number;
  /** Number of ranks. */
  size: number;
  /** Whether every rank also gets the first index of the batch of rank 0, at the end. */
  withFirst?: boolean;
}

/** The share of a single process. */
export const WHOLE: BatchShare = { rank: 0, size: 1 };

/**
 * Returns the indices of a set of images in random order, each once an epoch, as PyTorch's
 * `DataLoader(sampler=RandomSampler(set), drop_last=True)` does: an incomplete last batch is dropped. A batch larger than the
 * set, for which PyTorch returns nothing, continues into the next epochs instead; every index then occurs equally often,
 * give or take one.
 */
export class Sampler {
  readonly count: number;
  private readonly rng: Rng;
  private epochStart: SamplerState['rng'];
  private order: Int32Array;
  private epoch = 0;
  private position = 0;

  /**
   * @param imageCount number of images, at least 1.
   * @param rng start of the stream. The sampler continues with a copy, so pass each sampler a fork of its own.
   */
  constructor(imageCount: number, rng: Rng) {
    if (!Number.isSafeInteger(imageCount) || imageCount < 1) {
      throw new InputError({
        expected: 'at least one image to sample from',
        found: String(imageCount),
        remedy: 'put images in the folder',
      });
    }
    this.count = imageCount;
    this.rng = Rng.fromState(rng.state());
    this.epochStart = this.rng.state();
    this.order = this.rng.permutation(imageCount);
  }

  /** Restores the sampler that `state()` described. @throws InputError if the state is invalid. */
  static fromState(state: SamplerState): Sampler {
    const parsed = samplerStateSchema.safeParse(state);
    if (!parsed.success || parsed.data.position > parsed.data.count) {
      const found = parsed.success ? 'a position past its end' : formatIssues(parsed.error);
      throw new InputError({
        expected: "a sampler's state in the checkpoint",
        found,
        remedy: 'use another checkpoint',
      });
    }
    const sampler = new Sampler(parsed.data.count, Rng.fromState(parsed.data.rng));
    sampler.epoch = parsed.data.epoch;
    sampler.position = parsed.data.position;
    return sampler;
  }

  state(): SamplerState {
    const { count, epoch, position, epochStart } = this;
    return { count, epoch, position, rng: { ...epochStart } };
  }

  private startEpoch(): void {
    this.epochStart = this.rng.state();
    this.order = this.rng.permutation(this.count);
    this.epoch++;
    this.position = 0;
  }

  /**
   * Returns the next `batch` indices, each from 0 to count - 1.
   *
   * @param share the rank whose part of `size` such batches is returned; the sampler goes past all of them.
   */
  next(batch: number, share: BatchShare = WHOLE): Int32Array {
    if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch is ${batch}, not a count`);
    const all = this.draw(batch * share.size);
    const own = all.subarray(share.rank * batch, (share.rank + 1) * batch);
    return share.withFirst ? Int32Array.of(...own, all[0]!) : own;
  }

  private draw(batch: number): Int32Array {
    if (batch <= this.count && this.position + batch > this.count) this.startEpoch();
    const out = new Int32Array(batch);
    for (let done = 0; done < batch; ) {
      if (this.position === this.count) this.startEpoch();
      const taken = Math.min(batch - done, this.count - this.position);
      out.set(this.order.subarray(this.position, this.position + taken), done);
      this.position += taken;
      done += taken;
    }
    return out;
  }
}
