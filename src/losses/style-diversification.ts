// Style diversification: translations of one content in two styles should differ (StarGAN v2, Choi et al. 2020, equation 3).

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { scale } from '../ops/arithmetic.js';
import { defineLoss, weight } from './loss.js';
import { l1Distance } from './reconstruction.js';

/**
 * The diversity-sensitive loss: minus the mean absolute difference of translations and of the same contents in other styles,
 * both `[n, h, w, 3]`. Every pair shares its content, and so its warp: what differs is the style alone. As in StarGAN v2's
 * code, the second of a pair is a constant.
 */
export function styleDiversificationLoss(translated: Tensor, restyled: Tensor): Tensor {
  return scale(l1Distance(translated, restyled), -1);
}

/** Translations of one content in two styles should differ. */
export const styleDiversification = defineLoss({
  config: z
    .strictObject({
      weight: weight(
        'Weight of the style diversification loss; 0 turns it off (StarGAN v2: 1). It costs one more pass through the decoders.',
      ).default(0),
      decaySteps: z
        .int()
        .min(1)
        .max(1e9)
        .nullable()
        .default(null)
        .describe(
          'Steps over which the weight falls linearly to 0, as in StarGAN v2; null leaves it as it is.',
        ),
    })
    .prefault({})
    .describe(
      'Translations of one content in two styles differ (the diversity-sensitive loss of StarGAN v2).',
    ),
  inputs: ['translated', 'restyled'],
  trainsDecoder: true,
  decaySteps: ({ decaySteps }) => decaySteps,
  term: ({ translated, restyled }) => styleDiversificationLoss(translated, restyled),
});
