// The interface of trainers.
import type { HostBatch } from '../gan/batch.js';
import type { StateParameter, StateVector, TranslatingWeights } from '../gan/state.js';
import type { Translator } from '../translate/translator.js';

/**
 * Weighted loss terms by name. Those of `discriminators/` and `generators/` sum to each side's loss. Those of `signals/` are
 * not part of a loss: the mean sign of the logits of real images, from -1 to 1 (`realSignA` and `B`); with adaptive
 * augmentation the probability of a transform (`augmentA` and `B`); with LeCam regularisation the mean logits of each head
 * (such as `localRealA` and `globalFakeB`).
 */
export type TermValues = Record<string, number>;

/** Holds the training state on the device and takes steps. */
export interface Trainer {
  /**
   * Takes the step of this index (from 0) and returns its loss terms. A captured step runs outside the event loop: no other
   * method may be called meanwhile. The batch may be changed as soon as the call returns.
   */
  step(batch: HostBatch, index: number): Promise<TermValues>;
  /** Iterates over the training state or some of its vectors, copying it to the host in small parts. */
  read(select?: (vector: StateVector) => boolean): Iterable<StateParameter>;
  /**
   * A translator with the current generators. The trainer owns it and has one at a time: a call for the other weights
   * disposes it, and so do the next step and `dispose`.
   *
   * @throws RangeError for `raw` in a captured run with `log.sampleRaw` false.
   */
  translator(weights: TranslatingWeights): Translator;
  /** Frees the state and the translator. */
  dispose(): void;
}
