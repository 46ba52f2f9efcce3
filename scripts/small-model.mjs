// Networks so small that a step or an export takes some milliseconds, for scripts that run many.

/** The section `model` of a config. */
export const SMALL_MODEL = {
  size: 32,
  numDown: 1,
  residualBlocks: 0,
  channelDivisor: 64,
  styleDim: 16,
  mappingLayers: 1,
  latentDiscriminatorWidth: 16,
  discriminatorLocalSize: 32,
  discriminatorGlobalSize: 16,
};
