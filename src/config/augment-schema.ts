// The config's sections on augmentation: of training images, and adaptive for the discriminators.
import { z } from 'zod';
import { everySteps, fraction, positive } from './fields.js';

/** How training images are warped before any network sees them. */
export const augment = z.strictObject({
  probability: fraction().default(0.5).describe('Probability that an image is warped.'),
  rotationDegrees: z
    .number()
    .min(0)
    .max(180)
    .default(20)
    .describe('Largest rotation in either direction, degrees.'),
  scale: z
    .tuple([positive(), positive()])
    .default([0.8, 1.2])
    .describe('Smallest and largest scale of the warp.'),
  translation: fraction()
    .default(0.1)
    .describe('Largest shift in either direction along each axis, as a fraction of the image.'),
  shearDegrees: z
    .number()
    .min(0)
    .max(45)
    .default(0.15)
    .describe('Largest shear in either direction, degrees.'),
  border: z
    .enum(['zeros', 'edge'])
    .default('zeros')
    .describe(
      'What a warp shows beyond the image: zeros is grey, as in the reference, and the generator learns to draw it; edge repeats the border pixels.',
    ),
  resizeRatio: z
    .number()
    .min(1)
    .max(4)
    .default(286 / 256)
    .describe('Images are enlarged by this ratio and cropped back at a random position; 1 turns this off.'),
  flipProbability: fraction().default(0.5).describe('Probability that an image is mirrored left to right.'),
});

/** How images are transformed for the image discriminators only. */
export const adaptiveAugment = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Randomly transform all images that the image discriminators see (adaptive discriminator augmentation), so that they do not memorise a small dataset.',
    ),
  target: z
    .number()
    .min(-1)
    .max(1)
    .default(0.6)
    .describe(
      'Transforms become more frequent while the mean sign of the logits of real images (signals/realSignA and B in the logs) is above this value, and less frequent while it is below.',
    ),
  speedImages: positive()
    .default(500_000)
    .describe(
      'Number of images of a domain over which the probability of a transform can rise from 0 to 1; short runs need fewer.',
    ),
  everySteps: everySteps('Steps between two adjustments of the probability.').default(4),
  initial: fraction().default(0).describe('Probability of every transform at the start.'),
  limit: fraction()
    .default(0.8)
    .describe(
      'Largest probability of a transform; beyond 0.8 (section 2.2 of the paper) the generators may learn to draw transformed images.',
    ),
  blit: z.boolean().default(true).describe('Flips, rotations by 90 degrees, shifts by whole pixels.'),
  geometry: z.boolean().default(true).describe('Scale, rotation, stretch, shift.'),
  colour: z.boolean().default(true).describe('Brightness, contrast, luma flip, hue, saturation.'),
});

/** DiffAugment (Zhao et al. 2020): the same for every image, without a probability. */
export const diffAugment = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Randomly transform every image that the image discriminators see (DiffAugment), after the adaptive transforms if both are enabled.',
    ),
  colour: z.boolean().default(true).describe('Brightness, saturation, contrast.'),
  translation: z
    .boolean()
    .default(true)
    .describe('Shifts by whole pixels, at most an eighth of the image, with grey at the border.'),
  cutout: z
    .boolean()
    .default(false)
    .describe(
      'A grey square of half the side at a random place; the generators may learn to draw it, so it is not part of the default.',
    ),
});
