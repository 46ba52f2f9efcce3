// The discriminator of drawn and encoded style codes (the reference's model.py, `LatDiscriminator`).

import type { Tensor } from '@tensorflow/tfjs-core';
import { mean } from '../ops/arithmetic.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';
import { concat } from '../ops/shape.js';
import type { Architecture } from './architecture.js';
import { batchDeviation } from './batch-deviation.js';
import { linearLayer, mergeSpecs, sequence } from './layers.js';
import type { ParameterSpecs, Params } from './parameters.js';

/** Distinguishes style codes that were drawn from the normal distribution from encoded ones. */
export interface LatentDiscriminator {
  specs: ParameterSpecs;
  /**
   * @param styles `[n, latentDim]`.
   * @param groups number of equal, consecutive parts of the batch, each with its own minibatch deviation.
   * @returns logits `[n, 1]`; higher means more like a draw.
   */
  apply(params: Params, styles: Tensor, groups?: number): Tensor;
}

/** Builds the discriminator of style codes. @param ranks the ranks whose codes the minibatch deviation covers. */
export function buildLatentDiscriminator(
  architecture: Architecture,
  ranks: Ranks = ONE_RANK,
): LatentDiscriminator {
  const { latentDim, latentDiscriminatorWidth: width } = architecture;
  const hidden = sequence(
    [0, 1, 2, 3].map((i) =>
      linearLayer(`fc.${i}`, { inFeatures: i === 0 ? latentDim : width, outFeatures: width, activate: true }),
    ),
  );
  const withDeviation = linearLayer('fc.4.fc', { inFeatures: width + 1, outFeatures: width, activate: true });
  const logit = linearLayer('fc.5', { inFeatures: width, outFeatures: 1 });
  return {
    specs: mergeSpecs([hidden, withDeviation, logit]),
    apply(params, styles, groups = 1) {
      const features = hidden.apply(params, styles); // [n, width]
      const deviation = mean(batchDeviation(features, groups, ranks), [1]); // [n, 1]
      return logit.apply(params, withDeviation.apply(params, concat([features, deviation], 1)));
    },
  };
}
