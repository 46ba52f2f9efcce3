// Estimates the work of translating an image from the architecture alone.
import { variants } from '../config/variants/registry.js';
import { type Architecture, channelsAt, contentSize, halvings } from '../model/architecture.js';

/** What an image costs. */
export interface ImageWork {
  /** Multiplications of its convolutions, in content encoder and decoder. */
  multiplications: number;
  /** Its pixels: everything that is no convolution goes through them. */
  pixels: number;
}

/** Returns the work of encoding an image's content and decoding it once. */
export function imageWork(architecture: Architecture): ImageWork {
  const { size, residualBlocks, variant } = architecture;
  const bottom = contentSize(architecture);
  let channels = channelsAt(architecture, size);
  let multiplications = 0;
  const convolve = (inChannels: number, outChannels: number, px: number, filter: number): void => {
    multiplications += inChannels * outChannels * px ** 2 * filter ** 2;
  };
  convolve(3, channels, size, 1);
  for (const px of halvings(size, bottom)) {
    const next = channelsAt(architecture, px);
    convolve(channels, channels, 2 * px, 3);
    convolve(channels, next, px, 3);
    convolve(channels, next, px, 1);
    channels = next;
  }
  // The encoder's blocks, the decoder's, and its first layer.
  for (let i = 0; i < 4 * residualBlocks + 1; i++) convolve(channels, channels, bottom, 3);
  for (let i = 0; i < 2; i++) convolve(channels, channels, bottom, variants[variant].contentFilter);
  for (const px of halvings(2 * size, 2 * bottom).reverse()) {
    const next = channelsAt(architecture, px);
    // An upsampling layer computes as many products as its input has pixels.
    convolve(channels, next, px / 2, 3);
    convolve(next, next, px, 3);
    channels = next;
  }
  return { multiplications, pixels: size ** 2 };
}
