import { resolveConfig } from '../../src/config/load.js';
import { mergeTrees, type Tree } from '../../src/config/overrides.js';
import type { Config, PartialConfig } from '../../src/config/schema.js';

/** Networks so small that a step takes a moment. */
export const TINY: PartialConfig = {
  model: {
    size: 32,
    numDown: 2,
    channelDivisor: 64,
    styleDim: 16,
    mappingLayers: 2,
    latentDiscriminatorWidth: 16,
    discriminatorLocalSize: 16,
  },
  training: { batch: 2 },
  losses: { lpips: { weight: 0 } },
};

/** The config of networks so small that a step takes a moment, with changes laid over it. */
export function tinyConfig(changes: PartialConfig = {}): Config {
  return resolveConfig(mergeTrees(TINY as Tree, changes as Tree) as PartialConfig);
}

/** Networks with as few layers as there can be, for tests that take many steps. */
export const MIN_LAYERS: NonNullable<PartialConfig['model']> = {
  numDown: 1,
  residualBlocks: 0,
  mappingLayers: 1,
  discriminatorLocalSize: 32,
  discriminatorGlobalSize: 16,
};
