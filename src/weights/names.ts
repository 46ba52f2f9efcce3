// The names of the pretrained weights.
/** The names for `gnr weights` of the weights that metrics and the perceptual loss use. */
export const WEIGHT_NAMES = [
  'inception',
  'inception-imagenet',
  'vgg16',
  'alexnet',
  'lpips-vgg',
  'lpips-alex',
] as const;
export type WeightName = (typeof WEIGHT_NAMES)[number];
