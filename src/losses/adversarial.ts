// The adversarial losses: logistic for the discriminators, non-saturating for the generators (Goodfellow et al. 2014), and
// the relativistic form of both.

import type { Tensor } from '@tensorflow/tfjs-core';
import { addN, mean, scalarOf, scale, softplus, subtract } from '../ops/arithmetic.js';
import { defineLoss, weight } from './loss.js';

/**
 * The discriminator's logistic loss: `softplus(-real) + softplus(fake)`, averaged within each head and summed over the
 * heads (reference: util.py, d_logistic_loss). A higher logit means more real.
 */
export function discriminatorLoss(real: readonly Tensor[], fake: readonly Tensor[]): Tensor {
  return scalarOf(
    addN([
      ...real.map((logits) => scalarOf(mean(softplus(scale(logits, -1))))),
      ...fake.map((logits) => scalarOf(mean(softplus(logits)))),
    ]),
  );
}

/**
 * The generator's non-saturating loss: `softplus(-fake)`, averaged within each head and over the heads
 * (reference: util.py, g_nonsaturating_loss).
 */
export function generatorLoss(fake: readonly Tensor[]): Tensor {
  const heads = fake.map((logits) => scalarOf(mean(softplus(scale(logits, -1)))));
  return scale(addN(heads), 1 / heads.length);
}

/**
 * Logits of translations less those of real images, row by row and head by head: how much more real a discriminator takes
 * a translation for than the real image that it is paired with. Both lists have the same shapes.
 */
export function relativeLogits(fake: readonly Tensor[], real: readonly Tensor[]): Tensor[] {
  return fake.map((logits, head) => subtract(logits, real[head]!));
}

/**
 * The discriminator's relativistic paired loss (Jolicoeur-Martineau 2018; R3GAN, Huang et al. 2024, "The GAN is dead; long
 * live the GAN!"): `softplus(fake - real)` of pairs of images, averaged within each head and summed over the
 * heads. The generator's is `generatorLoss(relativeLogits(fake, real))`.
 */
export function relativisticDiscriminatorLoss(real: readonly Tensor[], fake: readonly Tensor[]): Tensor {
  return scalarOf(addN(relativeLogits(fake, real).map((logits) => scalarOf(mean(softplus(logits))))));
}

/** The diversity discriminators should take translations for real images. */
export const adversarial = defineLoss({
  config: weight('Weight of the adversarial loss on images.').default(1),
  inputs: ['fakeLogits'],
  trainsDecoder: true,
  term: ({ fakeLogits }) => generatorLoss(fakeLogits),
});
