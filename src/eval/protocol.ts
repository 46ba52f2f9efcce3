import { z } from 'zod';

/** Networks that give the features of FID, KID, precision and the like. */
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

const features = z.enum(FEATURE_KINDS).default('inception');
const count = z.int().positive();

/** What is measured, each with all that decides its value. A metric that is left out is not measured. */
const metricsSchema = z.strictObject({
  fid: z.strictObject({ features }).optional(),
  kid: z
    .strictObject({
      features,
      /** Random subsets (torch-fidelity), or disjoint blocks in the order of the files (U-GAT-IT), which use all images. */
      estimator: z.enum(['subsets', 'blocks']).default('subsets'),
      /** Subsets drawn; blocks are as many as there are. */
      subsets: count.default(100),
      /** Images of each side in a subset or block, at most. */
      subsetSize: count.default(1000),
    })
    .optional(),
  precisionRecall: z.strictObject({ features, neighbours: count.default(3) }).optional(),
  densityCoverage: z.strictObject({ features, neighbours: count.default(5) }).optional(),
  lpipsDiversity: z.strictObject({ net: z.enum(['vgg', 'alex']).default('alex') }).optional(),
  dfid: z
    .strictObject({
      features,
      /** Test inputs, the first of the folder; as many as there are where there are fewer. */
      inputs: count.default(10),
      /** Random styles of each. */
      styles: count.default(100),
    })
    .optional(),
  cycleError: z.strictObject({}).optional(),
  styleConsistency: z.strictObject({ views: count.default(8) }).optional(),
  contentConsistency: z.strictObject({}).optional(),
  factors: z.strictObject({}).optional(),
});

/** How to evaluate. */
export const protocolSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().default(''),
  direction: z.enum(['A2B', 'B2A']).default('A2B'),
  /** Which folders of a dataset are used; sides are those of A2B, and change places for B2A. */
  inputs: z
    .strictObject({
      folder: z.enum(['testA', 'trainA']).default('testA'),
      /** Only the first so many. */
      count: count.nullable().default(null),
    })
    .prefault({}),
  real: z
    .strictObject({
      folder: z.enum(['testB', 'trainB']).default('testB'),
      count: count.nullable().default(null),
    })
    .prefault({}),
  styles: z
    .strictObject({
      /** Outputs of each input. */
      perInput: count.default(10),
      /** Drawn, or encoded from images of the target domain. */
      source: z.enum(['random', 'reference']).default('random'),
      /** Whose styles references are. */
      references: z.enum(['testB', 'trainB']).default('testB'),
      truncation: z.number().min(0).default(1),
    })
    .prefault({}),
  /** A repeat for each seed. */
  seeds: z
    .array(
      z
        .int()
        .min(0)
        .max(2 ** 32 - 1),
    )
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'every seed once')
    .default([0]),
  metrics: metricsSchema,
});
export type Protocol = z.infer<typeof protocolSchema>;
export type MetricName = keyof Protocol['metrics'];
