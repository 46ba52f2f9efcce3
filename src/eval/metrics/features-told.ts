import type { FeatureKind } from '../protocol.js';

/** What features are, for receipts. */
export const FEATURES_TOLD: Readonly<Record<FeatureKind, string>> = {
  inception:
    "the 2,048 pooled features of pytorch-fid 0.3.0's Inception (2015-12-05); 8-bit pictures in [0, 1], resized to 299 px bilinearly (align_corners=False, no antialiasing), network range [-1, 1]",
  'inception-clean':
    "the 2,048 pooled features of the same Inception (2015-12-05) as clean-fid 0.1.35 reads it; 8-bit pictures in [0, 255], resized to 299 px by Pillow's antialiased bicubic in floating point, network range (x - 128) / 128",
  'inception-pillow':
    "the 2,048 pooled features of the same Inception (2015-12-05) as taki0112/GAN_Metrics-Tensorflow reads it; resized to 299 px by Pillow's antialiased bilinear on 8 bits, network range [-1, 1]",
  'inception-imagenet':
    "the 2,048 pooled features of torchvision's ImageNet Inception as StarGAN v2's evaluation reads it; resized to 299 px by Pillow's antialiased bilinear on 8 bits, ImageNet mean and deviation",
};
