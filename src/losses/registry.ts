// The registry of the terms of the generators' loss.
import { adversarial } from './adversarial.js';
import { cycle } from './cycle.js';
import { identity } from './identity.js';
import { latentAdversarial } from './latent-adversarial.js';
import { lpips } from './lpips.js';
import { styleConsistency } from './style-consistency.js';
import { styleReconstruction } from './style-reconstruction.js';

/**
 * All terms by name, in the order of their sum. A new one needs its file and a line here; the comments are for the library's
 * documentation.
 */
export const losses = {
  /** The diversity discriminators should take translations for real images. */
  adversarial,
  /** Encoded style codes should look like drawn ones. */
  latentAdversarial,
  /** All augmentations of one image should have one style code. */
  styleConsistency,
  /** An image translated there and back should be itself again, in its pixels. */
  cycle,
  /** An image translated there and back should be itself again, in LPIPS features. */
  lpips,
  /** A translation should encode to the style code that it was decoded with. */
  styleReconstruction,
  /** An image of the target domain should stay itself. */
  identity,
};

/** Name of a term of the generators' loss. */
export type LossName = keyof typeof losses;
