// LeCam regularisation of the discriminators (Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data").

import type { Tensor } from '@tensorflow/tfjs-core';
import { add, addN, broadcastTo, mean, reshape, scalarOf, square, subtract } from '../ops/arithmetic.js';
import { slice } from '../ops/shape.js';

/**
 * LeCam's penalty (Tseng et al. 2021, section 4): the mean squared distance of the logits of real images to the moving
 * average of those of translations, and the reverse. Computed for each head, and summed over the heads as
 * `discriminatorLoss` is. It keeps the logits of both from drifting apart, as they do where images are few. This is the
 * paper's formula; its released code leaves out distances on the near side (real logits below the average of translations,
 * and the reverse).
 *
 * @param anchors `[2, heads]`: the moving averages of the logits of real images, and of translations; constants to tapes.
 */
export function lecamPenalty(real: readonly Tensor[], fake: readonly Tensor[], anchors: Tensor): Tensor {
  const distance = (logits: Tensor, set: 0 | 1, head: number): Tensor => {
    const anchor = reshape(
      slice(anchors, [set, head], [1, 1]),
      logits.shape.map(() => 1),
    );
    return scalarOf(mean(square(subtract(logits, broadcastTo(anchor, logits.shape)))));
  };
  return addN(real.map((logits, head) => add(distance(logits, 1, head), distance(fake[head]!, 0, head))));
}
