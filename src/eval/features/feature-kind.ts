// The networks whose features metrics compare, with the ways to prepare images for them.

/** Networks whose features FID, KID, precision and similar metrics compare. */
export const FEATURE_KINDS = [
  'inception',
  'inception-clean',
  'inception-pillow',
  'inception-imagenet',
] as const;

/**
 * - `inception`: pytorch-fid 0.3.0: its Inception, images resized to 299 px bilinearly without antialiasing.
 * - `inception-clean`: clean-fid 0.1.35: the same network, antialiased bicubic in floating point.
 * - `inception-pillow`: taki0112/GAN_Metrics-Tensorflow (U-GAT-IT's figures): the same network, Pillow's bilinear on 8 bits.
 * - `inception-imagenet`: StarGAN v2's evaluation: torchvision's Inception, Pillow's bilinear on 8 bits.
 */
export type FeatureKind = (typeof FEATURE_KINDS)[number];
