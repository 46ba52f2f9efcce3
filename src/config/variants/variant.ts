// What a network variant declares.
import type { PartialConfig } from '../schema.js';

/** A form of the networks, and the defaults of the config that go with it. The key `model.variant` chooses one. */
export interface NetworkVariant {
  /** What it is, for the description of `model.variant`; its name follows in brackets. */
  summary: string;
  /** Whether the reference implementation released it. No other variant has PyTorch checkpoints. */
  isReleased?: true;
  /** Side of the filters of the encoder's content head, odd, px. */
  contentFilter: number;
  /**
   * What the image discriminator's global branch ends in. `map`: a feature map, with a logit for each of its places; the
   * diversity head has layers of its own, which halve it once more. `vector`: features of the whole image, with one logit;
   * the diversity head compares these features.
   */
  globalBranch: 'map' | 'vector';
  /** The values that it changes from the schema's defaults, which are those of `main`. */
  defaults: PartialConfig;
}
