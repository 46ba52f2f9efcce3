// Prepares images for the feature networks: resizing and range, as the published metrics do.
import type { DecodedImage } from '../../data/decode.js';
import { INCEPTION_PX, type InceptionVariant } from '../../perceptual/inception.js';
import { resizePillowBicubic, resizePillowBilinear, resizeTorchBilinear } from '../resize.js';
import type { FeatureKind } from './feature-kind.js';

/** The preparation of images for a network. */
export interface NetworkInput {
  variant: InceptionVariant;
  /** Network, resizing and range, for receipts. It is a part of the extractor's id: a change invalidates all caches. */
  description: string;
  /** Returns `[299, 299, 3]`, in the range that the network was trained with. */
  prepare(image: DecodedImage): Float32Array;
}

export interface NetworkInputOptions {
  /** Side to which `inception-imagenet` resizes images first, px: that of the model's images; 256 by default. */
  modelPx?: number;
}

const POOLED = 'the 2,048 pooled features of';

/** Side of StarGAN v2's images, px. */
const MODEL_PX = 256;

/** ImageNet's mean and deviation of red, green and blue in [0, 1]. */
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

/** Computes `factor * x + offset` by channel, in place. */
function scaled(pixels: Float32Array, factors: readonly number[], offsets: readonly number[]): Float32Array {
  for (let i = 0; i < pixels.length; i += 3)
    for (let c = 0; c < 3; c++) pixels[i + c] = factors[c]! * pixels[i + c]! + offsets[c]!;
  return pixels;
}

const evenly = (pixels: Float32Array, factor: number, offset: number): Float32Array =>
  scaled(pixels, [factor, factor, factor], [offset, offset, offset]);

/** Returns the preparation for a kind of features. @throws RangeError for an invalid `modelPx`. */
export function networkInput(
  kind: FeatureKind,
  { modelPx = MODEL_PX }: NetworkInputOptions = {},
): NetworkInput {
  switch (kind) {
    case 'inception':
      return {
        variant: 'fid',
        description: `${POOLED} pytorch-fid 0.3.0's Inception (2015-12-05); pictures resized to 299 px bilinearly (align_corners=False, no antialiasing), network range [-1, 1]`,
        prepare: (image) => evenly(resizeTorchBilinear(image, INCEPTION_PX), 2 / 255, -1),
      };
    case 'inception-clean':
      return {
        variant: 'fid',
        description: `${POOLED} the Inception of 2015-12-05 as clean-fid 0.1.35 reads it; pictures resized to 299 px by Pillow's antialiased bicubic in floating point, network range (x - 128) / 128`,
        prepare: (image) => evenly(resizePillowBicubic(image, INCEPTION_PX), 1 / 128, -1),
      };
    case 'inception-pillow':
      return {
        variant: 'fid',
        description: `${POOLED} the Inception of 2015-12-05 as taki0112/GAN_Metrics-Tensorflow reads it; pictures resized to 299 px by Pillow's antialiased bilinear on 8 bits, network range [-1, 1]`,
        prepare: (image) =>
          evenly(new Float32Array(resizePillowBilinear(image, INCEPTION_PX).data), 2 / 255, -1),
      };
    case 'inception-imagenet': {
      if (!Number.isInteger(modelPx) || modelPx < 1)
        throw new RangeError(`modelPx must be a whole number above 0, not ${modelPx}`);
      return {
        variant: 'imagenet',
        description: `${POOLED} torchvision's ImageNet Inception as StarGAN v2's evaluation reads it; pictures resized by Pillow's antialiased bilinear on 8 bits to ${modelPx} px and then to 299 px, ImageNet mean and deviation`,
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
