// The five networks of GNR: their names, as checkpoints spell them, and the parameters of each.

import type { Architecture } from './architecture.js';
import { buildGenerator } from './generator.js';
import { buildImageDiscriminator } from './image-discriminator.js';
import { buildLatentDiscriminator } from './latent-discriminator.js';
import type { ParameterSpecs } from './parameters.js';

/** The generators: A to B, and B to A. */
export const GENERATOR_NAMES = ['G_A2B', 'G_B2A'] as const;
/** All networks, in the order in which the reference saves them (train.py). */
export const NETWORK_NAMES = [...GENERATOR_NAMES, 'D_A', 'D_B', 'D_L'] as const;

export type GeneratorName = (typeof GENERATOR_NAMES)[number];
export type NetworkName = (typeof NETWORK_NAMES)[number];

/** The parameters of both generators, which share one architecture. */
export type GeneratorSpecs = Record<GeneratorName, ParameterSpecs>;

interface HasSpecs {
  specs: ParameterSpecs;
}

/** The parameters of both generators, from the one that was built. */
export function specsByGenerator({ specs }: HasSpecs): GeneratorSpecs {
  return { G_A2B: specs, G_B2A: specs };
}

/** The parameters of all networks, from those that were built, in the order of `NETWORK_NAMES`. */
export function specsByNetwork(networks: {
  generator: HasSpecs;
  imageDiscriminator: HasSpecs;
  latentDiscriminator: HasSpecs;
}): Record<NetworkName, ParameterSpecs> {
  const { generator, imageDiscriminator, latentDiscriminator } = networks;
  return {
    ...specsByGenerator(generator),
    D_A: imageDiscriminator.specs,
    D_B: imageDiscriminator.specs,
    D_L: latentDiscriminator.specs,
  };
}

/** The parameters of both generators of an architecture. @throws RangeError for one that makes no network. */
export function generatorSpecs(architecture: Architecture): GeneratorSpecs {
  return specsByGenerator(buildGenerator(architecture));
}

/** The parameters of all networks of an architecture. @throws RangeError for one that makes no network. */
export function networkSpecs(architecture: Architecture): Record<NetworkName, ParameterSpecs> {
  return specsByNetwork({
    generator: buildGenerator(architecture),
    imageDiscriminator: buildImageDiscriminator(architecture),
    latentDiscriminator: buildLatentDiscriminator(architecture),
  });
}
