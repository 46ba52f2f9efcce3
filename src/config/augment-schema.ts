import { z } from 'zod';
import { everySteps, fraction, positive } from './fields.js';

/** How training pictures are varied before anything sees them. */
export const augment = z.strictObject({
  probability: fraction().default(0.5).describe('Probability that an image is warped.'),
  rotationDegrees: z.number().min(0).max(180).default(20).describe('Largest rotation either way, degrees.'),
  scale: z
    .tuple([positive(), positive()])
    .default([0.8, 1.2])
    .describe('Smallest and largest scale of the warp.'),
  translation: fraction()
    .default(0.1)
    .describe('Largest shift either way along each axis, as a fraction of the image.'),
  shearDegrees: z.number().min(0).max(45).default(0.15).describe('Largest shear either way, degrees.'),
  border: z
    .enum(['zeros', 'edge'])
    .default('zeros')
    .describe(
      "What a warp shows beyond the image: grey, which the generator then learns to draw (the reference's), or the edge drawn out.",
    ),
  resizeRatio: z
    .number()
    .min(1)
    .max(4)
    .default(286 / 256)
    .describe('Images are enlarged by this ratio and cropped back at a random place; 1 crops nothing.'),
  flipProbability: fraction().default(0.5).describe('Probability that an image is mirrored left to right.'),
});

/** How pictures are varied for the image discriminators alone. */
export const adaptiveAugment = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      'Transform, at random, all pictures that the image discriminators see (adaptive discriminator augmentation): against learning few pictures by heart.',
    ),
  target: z
    .number()
    .min(-1)
    .max(1)
    .default(0.6)
    .describe(
      'Mean sign of the logits of real pictures (signals/realSignA and B in the logs) above which transforms become more frequent, and below which less.',
    ),
  speedImages: positive()
    .default(500_000)
    .describe(
      'Images of a domain over which the probability of a transform can rise from 0 to 1; short trainings need fewer.',
    ),
  everySteps: everySteps('Steps between two adjustments of the probability.').default(4),
  initial: fraction().default(0).describe('Probability of every transform at the start.'),
  limit: fraction()
    .default(0.8)
    .describe(
      'Largest probability of a transform; beyond 0.8 (section 2.2 of the paper) the generators may learn to draw transformed pictures.',
    ),
  blit: z.boolean().default(true).describe('Flips, turns by 90 degrees, shifts by whole pixels.'),
  geometry: z.boolean().default(true).describe('Scale, rotation, stretch, shift.'),
  colour: z.boolean().default(true).describe('Brightness, contrast, luma flip, hue, saturation.'),
});
