import type { DecodedImage } from '../../data/decode.js';
import { INCEPTION_PX, type InceptionVariant } from '../../perceptual/inception.js';
import type { FeatureKind } from '../protocol.js';
import { resizePillowBicubic, resizePillowBilinear, resizeTorchBilinear } from '../resize.js';

/** How pictures become what a network is given, and which network that is. */
export interface NetworkInput {
  variant: InceptionVariant;
  /** Network, resizing and range, as receipts tell them. */
  description: string;
  /** `[299, 299, 3]`, in the range that the network was trained with. */
  prepare(image: DecodedImage): Float32Array;
}

export interface NetworkInputOptions {
  /** Side to which `inception-imagenet` brings pictures first, px: that of the model's, 256 where left out. */
  modelPx?: number;
}

/** StarGAN v2's own. */
const MODEL_PX = 256;

/** ImageNet's mean and deviation of red, green and blue in [0, 1]. */
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

/** `factor * x + offset` by channel, in place. */
function scaled(pixels: Float32Array, factors: readonly number[], offsets: readonly number[]): Float32Array {
  for (let i = 0; i < pixels.length; i += 3)
    for (let c = 0; c < 3; c++) pixels[i + c] = factors[c]! * pixels[i + c]! + offsets[c]!;
  return pixels;
}

const evenly = (pixels: Float32Array, factor: number, offset: number): Float32Array =>
  scaled(pixels, [factor, factor, factor], [offset, offset, offset]);

/** @throws RangeError for a side that is none. */
export function networkInput(
  kind: FeatureKind,
  { modelPx = MODEL_PX }: NetworkInputOptions = {},
): NetworkInput {
  switch (kind) {
    case 'inception':
      return {
        variant: 'fid',
        description: 'Inception of pytorch-fid 0.3.0, bilinear to 299 px without antialiasing',
        prepare: (image) => evenly(resizeTorchBilinear(image, INCEPTION_PX), 2 / 255, -1),
      };
    case 'inception-clean':
      return {
        variant: 'fid',
        description: 'Inception of pytorch-fid 0.3.0, clean-fid 0.1.35: antialiased bicubic to 299 px',
        prepare: (image) => evenly(resizePillowBicubic(image, INCEPTION_PX), 1 / 128, -1),
      };
    case 'inception-imagenet': {
      if (!Number.isInteger(modelPx) || modelPx < 1)
        throw new RangeError(`modelPx is a whole number above 0, not ${modelPx}`);
      return {
        variant: 'imagenet',
        description: `Inception of torchvision, StarGAN v2: Pillow's bilinear to ${modelPx} px, then to 299 px, in 8 bits`,
        prepare: (image) => {
          const { data } = resizePillowBilinear(resizePillowBilinear(image, modelPx), INCEPTION_PX);
          return scaled(
            new Float32Array(data),
            DEVIATION.map((deviation) => 1 / (255 * deviation)),
            MEAN.map((mean, c) => -mean / DEVIATION[c]!),
          );
        },
      };
    }
  }
}
