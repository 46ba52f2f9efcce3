import type { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { inPasses, type Keeping, keepAll, keepInputs } from '../model/checkpointing.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { buildImageDiscriminator, type ImageDiscriminator } from '../model/image-discriminator.js';
import { buildLatentDiscriminator, type LatentDiscriminator } from '../model/latent-discriminator.js';
import type { NetworkValues } from '../model/parameters.js';
import { initParameters } from '../model/parameters.js';
import { parameterRates } from '../optim/lr-multipliers.js';
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

/** The networks of a config; nothing is computed yet. @throws InputError for `training.rates` that match nothing. */
export function buildNetworks(config: Config): Networks {
  const keeping = keepingOf(config.runtime);
  const generator = buildGenerator(config.model, keeping);
  const imageDiscriminator = buildImageDiscriminator(config.model, keeping);
  const latentDiscriminator = buildLatentDiscriminator(config.model);
  const generators = { G_A2B: generator.specs, G_B2A: generator.specs };
  const discriminators = {
    D_L: latentDiscriminator.specs,
    D_A: imageDiscriminator.specs,
    D_B: imageDiscriminator.specs,
  };
  const rateOf = parameterRates(config.training.rates, { ...generators, ...discriminators });
  return {
    generator,
    imageDiscriminator,
    latentDiscriminator,
    generators: new ParameterGroup(generators, { rateOf }),
    discriminators: new ParameterGroup(discriminators, { rateOf }),
  };
}

/** What networks keep for their gradients. */
export function keepingOf({ recomputeActivations, microBatch }: Config['runtime']): Keeping {
  const keeping = recomputeActivations ? keepInputs : keepAll;
  return microBatch === null ? keeping : inPasses(keeping, microBatch);
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
