// Configs of networks that are as small as possible.
import { resolveConfig } from '../../src/config/load.js';
import { mergeTrees, type Tree } from '../../src/config/overrides.js';
import type { Config, PartialConfig } from '../../src/config/schema.js';

/** Networks that are so small that a step takes a moment. */
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

/** The config of `TINY` networks with changes. */
export function tinyConfig(changes: PartialConfig = {}): Config {
  return resolveConfig(mergeTrees(TINY as Tree, changes as Tree) as PartialConfig);
}

/** Networks with as few layers as possible, for tests of many steps. */
export const MIN_LAYERS: NonNullable<PartialConfig['model']> = {
  numDown: 1,
  residualBlocks: 0,
  mappingLayers: 1,
  discriminatorLocalSize: 32,
  discriminatorGlobalSize: 16,
};
