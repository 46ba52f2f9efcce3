// The networks of GNR (GANs N' Roses, section 3; the reference's model.py): built from a config, with their initial weights.

import type { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import {
  type CheckpointPolicy,
  keepActivations,
  keepBlockInputs,
  microBatchedPolicy,
} from '../model/checkpointing.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { buildImageDiscriminator, type ImageDiscriminator } from '../model/image-discriminator.js';
import { buildLatentDiscriminator, type LatentDiscriminator } from '../model/latent-discriminator.js';
import { specsByNetwork } from '../model/networks.js';
import type { NetworkValues } from '../model/parameters.js';
import { initParameters } from '../model/parameters.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';
import { lrMultipliers } from '../optim/lr-multipliers.js';
import { ParameterGroup } from '../optim/parameter-groups.js';

/** The networks of GNR, with the two groups that are optimized in turn. Both directions share one architecture. */
export interface Networks {
  generator: Generator;
  /** The diversity discriminator of images. */
  imageDiscriminator: ImageDiscriminator;
  /** The discriminator of style codes. */
  latentDiscriminator: LatentDiscriminator;
  /** G_A2B and G_B2A. */
  generators: ParameterGroup;
  /** D_L, D_A and D_B, in the order of the reference's optimizer. */
  discriminators: ParameterGroup;
  /** The ranks that train these networks together: each computes its own batch, and they average their gradients. */
  ranks: Ranks;
  /** The ranks whose batches count as one for statistics over the batch. */
  statistics: Ranks;
}

/**
 * Builds the networks of a config; computes nothing yet.
 *
 * @param ranks the ranks that train them together.
 * @throws InputError for `training.lrMultipliers` that match nothing.
 */
export function buildNetworks(config: Config, ranks: Ranks = ONE_RANK): Networks {
  const statistics = config.distributed.globalStatistics ? ranks : ONE_RANK;
  const policy = checkpointPolicyOf(config.runtime);
  const generator = buildGenerator(config.model, policy);
  const imageDiscriminator = buildImageDiscriminator(config.model, policy, statistics);
  const latentDiscriminator = buildLatentDiscriminator(config.model, statistics);
  const { G_A2B, G_B2A, D_A, D_B, D_L } = specsByNetwork({
    generator,
    imageDiscriminator,
    latentDiscriminator,
  });
  const generators = { G_A2B, G_B2A };
  const discriminators = { D_L, D_A, D_B };
  const multiplierOf = lrMultipliers(config.training.lrMultipliers, { ...generators, ...discriminators });
  return {
    generator,
    imageDiscriminator,
    latentDiscriminator,
    generators: new ParameterGroup(generators, { multiplierOf }),
    discriminators: new ParameterGroup(discriminators, { multiplierOf }),
    ranks,
    statistics,
  };
}

/** The activation checkpointing that a config asks for. */
export function checkpointPolicyOf({
  recomputeActivations,
  microBatch,
}: Config['runtime']): CheckpointPolicy {
  const policy = recomputeActivations ? keepBlockInputs : keepActivations;
  return microBatch === null ? policy : microBatchedPolicy(policy, microBatch);
}

/** Draws the initial weights of all networks, each from its own stream. */
export function initNetworks(networks: Networks, rng: Rng): NetworkValues {
  return Object.fromEntries(
    Object.entries(specsByNetwork(networks)).map(([name, specs]) => [
      name,
      initParameters(specs, rng.fork(name)),
    ]),
  );
}
