/** Which of the two released forms of GNR: the paper's (`main`) or the released training code's (`train`). */
export type Variant = 'main' | 'train';

/** Everything that decides the networks' shapes. Field meanings are those of the config's `model` section. */
export interface Architecture {
  /** Which of the reference's two forms. */
  variant: Variant;
  /** Side of the pictures, px, a power of two. */
  size: number;
  /** How often the encoder halves the resolution before the content code. */
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

/** The resolutions from `from` px (not included) down to `to` px, each half of the one before. */
export function halvings(from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let px = from / 2; px >= to; px /= 2) sizes.push(px);
  return sizes;
}
