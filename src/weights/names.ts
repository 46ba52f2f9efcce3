/** Weights that metrics and the perceptual loss use, by the names that `gnr weights` has for them. */
export const WEIGHT_NAMES = [
  'inception',
  'inception-imagenet',
  'vgg16',
  'alexnet',
  'lpips-vgg',
  'lpips-alex',
] as const;
export type WeightName = (typeof WEIGHT_NAMES)[number];
