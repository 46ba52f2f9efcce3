// The numbers that decide the shapes of the networks, and what follows from them: channels, sides, halvings.

import type { Variant } from '../config/variants/registry.js';

/** Everything that decides the networks' shapes. The fields are those of the config's `model` section. */
export interface Architecture {
  /** The form of the networks: what `variants` says of this name. */
  variant: Variant;
  /** Side of the images, px, a power of two. */
  size: number;
  /** How many times the encoder halves the resolution before the content code. */
  numDown: number;
  /** Length of the style code. */
  latentDim: number;
  /** Width of the mapped style. */
  styleDim: number;
  /** Layers of the mapping network, from style code to mapped style. */
  mappingLayers: number;
  /** Learning rate multiplier of the mapping network. */
  mappingRate: number;
  /** Residual blocks at the content code's resolution. */
  residualBlocks: number;
  /** Width of the hidden layers of the style codes' discriminator. */
  latentDiscriminatorWidth: number;
  /** Channels at a resolution, by its side in px. */
  channels: Readonly<Record<string, number>>;
  /** Divides every width of `channels`. */
  channelDivisor: number;
  /** Side at which the discriminator's local branch ends, px. */
  discriminatorLocalSize: number;
  /** Side at which its global branch ends, px. */
  discriminatorGlobalSize: number;
}

/** Channels at a resolution of `px`. */
export function channelsAt(architecture: Architecture, px: number): number {
  const width = architecture.channels[String(px)];
  if (width === undefined) throw new RangeError(`model.channels has no entry for ${px} px`);
  return Math.max(1, Math.round(width / architecture.channelDivisor));
}

/** Side of the content code, px. */
export function contentSize(architecture: Architecture): number {
  return architecture.size / 2 ** architecture.numDown;
}

/** The resolutions from `from` px (exclusive) down to `to` px (inclusive), each half of the one before. */
export function halvings(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let px = from / 2; px >= to; px /= 2) sizes.push(px);
  return sizes;
}
