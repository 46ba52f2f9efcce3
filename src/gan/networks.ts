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
import type { NetworkValues } from '../model/parameters.js';
import { initParameters } from '../model/parameters.js';
import { lrMultipliers } from '../optim/lr-multipliers.js';
import { ParameterGroup } from '../optim/parameter-groups.js';

/** The networks of GNR, with the two groups that are optimized in turn. Both directions share one architecture. */
export interface Networks {
  generator: Generator;
  imageDiscriminator: ImageDiscriminator;
  latentDiscriminator: LatentDiscriminator;
  /** G_A2B and G_B2A. */
  generators: ParameterGroup;
  /** D_L, D_A and D_B. */
  discriminators: ParameterGroup;
}

/** The networks of a config; nothing is computed yet. @throws InputError for `training.lrMultipliers` that match nothing. */
export function buildNetworks(config: Config): Networks {
  const policy = checkpointPolicyOf(config.runtime);
  const generator = buildGenerator(config.model, policy);
  const imageDiscriminator = buildImageDiscriminator(config.model, policy);
  const latentDiscriminator = buildLatentDiscriminator(config.model);
  const generators = { G_A2B: generator.specs, G_B2A: generator.specs };
  const discriminators = {
    D_L: latentDiscriminator.specs,
    D_A: imageDiscriminator.specs,
    D_B: imageDiscriminator.specs,
  };
  const multiplierOf = lrMultipliers(config.training.lrMultipliers, { ...generators, ...discriminators });
  return {
    generator,
    imageDiscriminator,
    latentDiscriminator,
    generators: new ParameterGroup(generators, { multiplierOf }),
    discriminators: new ParameterGroup(discriminators, { multiplierOf }),
  };
}

/** What networks keep for their gradients. */
export function checkpointPolicyOf({
  recomputeActivations,
  microBatch,
}: Config['runtime']): CheckpointPolicy {
  const policy = recomputeActivations ? keepBlockInputs : keepActivations;
  return microBatch === null ? policy : microBatchedPolicy(policy, microBatch);
}

/** Freshly drawn weights of all networks. */
export function initNetworks(networks: Networks, rng: Rng): NetworkValues {
  const { generator, imageDiscriminator, latentDiscriminator } = networks;
  return {
    G_A2B: initParameters(generator.specs, rng.fork('G_A2B')),
    G_B2A: initParameters(generator.specs, rng.fork('G_B2A')),
    D_A: initParameters(imageDiscriminator.specs, rng.fork('D_A')),
    D_B: initParameters(imageDiscriminator.specs, rng.fork('D_B')),
    D_L: initParameters(latentDiscriminator.specs, rng.fork('D_L')),
  };
}
