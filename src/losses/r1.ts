// R1 and R2: the gradient penalties of the discriminators.

import type { Tensor } from '@tensorflow/tfjs-core';
import { addN, mean, scalarOf, scale, square, sum } from '../ops/arithmetic.js';
import type { Tape } from '../ops/autodiff.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';

/**
 * R1 (Mescheder et al. 2018, equation 9) as the reference computes it (util.py, d_r1_loss): for each head, the squared norm
 * of the gradient of its mean logit with respect to the input, averaged over the batch; then summed over the heads.
 * The mean logit runs over the batch too, so the penalty shrinks with the square of the batch size.
 *
 * R2 (the same paper, equation 10) is the same at translations: their logits, and the translations as input. R3GAN (Huang et
 * al. 2024) found that the relativistic loss needs both.
 *
 * Must run while `tape` records and watches `input`.
 *
 * @param ranks the ranks whose batches count as one, over which the mean logit runs.
 */
export function r1Penalty(
  tape: Tape,
  logits: readonly Tensor[],
  input: Tensor,
  ranks: Ranks = ONE_RANK,
): Tensor {
  const axes = input.shape.slice(1).map((_, axis) => axis + 1);
  const norms = logits.map((head) => {
    const [gradient] = tape.gradients(scalarOf(mean(head)), [input]);
    // That of the mean logits of all ranks' own batches, added up.
    return scalarOf(mean(sum(square(gradient!), axes)));
  });
  return ranks.size === 1 ? addN(norms) : scale(addN(norms), 1 / ranks.size ** 2);
}
