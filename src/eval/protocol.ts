// Protocols: the schema of the files that say what an evaluation measures and how.
import { z } from 'zod';

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

/** The network of the features. */
const features = z.enum(FEATURE_KINDS).default('inception');
const count = z.int().positive();
/** Only the first so many images of a folder; all by default. */
const firstCount = count.nullable().default(null);

/** The metrics to measure, each with everything that decides its value. A metric without an entry is not measured. */
const metricsSchema = z.strictObject({
  /** Frechet inception distance. */
  fid: z
    .strictObject({
      /** Network of the features. */
      features,
    })
    .optional(),
  /** Kernel inception distance. */
  kid: z
    .strictObject({
      /** Network of the features. */
      features,
      /** Random subsets (torch-fidelity), or disjoint blocks in the order of the files (U-GAT-IT), which use all images. */
      estimator: z.enum(['subsets', 'blocks']).default('subsets'),
      /** Number of random subsets; the number of blocks follows from their size. */
      subsets: count.default(100),
      /** Maximum number of images of each side in a subset or block. */
      subsetSize: count.default(1000),
    })
    .optional(),
  /** Improved precision and recall. */
  precisionRecall: z
    .strictObject({
      /** Network of the features. */
      features,
      /** The k of the k nearest neighbours. */
      neighbours: count.default(3),
    })
    .optional(),
  /** Density and coverage. */
  densityCoverage: z
    .strictObject({
      /** Network of the features. */
      features,
      /** The k of the k nearest neighbours. */
      neighbours: count.default(5),
    })
    .optional(),
  /** LPIPS between the outputs of one input. */
  lpipsDiversity: z
    .strictObject({
      /** Network of LPIPS. */
      net: z.enum(['vgg', 'alex']).default('alex'),
    })
    .optional(),
  /** FID of the outputs of one input. */
  dfid: z
    .strictObject({
      /** Network of the features. */
      features,
      /** Maximum number of test inputs, the first of the folder. */
      inputs: count.default(10),
      /** Random styles of each. */
      styles: count.default(100),
    })
    .optional(),
  /** Error of translating to the target domain and back. */
  cycleError: z.strictObject({}).optional(),
  /** Variance of the style code over warps of one image. */
  styleConsistency: z
    .strictObject({
      /** Warps of each image. */
      views: count.default(8),
    })
    .optional(),
  /** Distance between the content codes of input and output. */
  contentConsistency: z.strictObject({}).optional(),
  /** On the sample dataset: correlation of output and input in the factors that it was drawn from. */
  factors: z.strictObject({}).optional(),
});

/** How to evaluate. */
export const protocolSchema = z.strictObject({
  /** Name of the protocol. */
  name: z.string().min(1),
  /** One sentence for reports. */
  description: z.string().default(''),
  /** Direction of the translation. */
  direction: z.enum(['A2B', 'B2A']).default('A2B'),
  /** Images to translate. Folders are those of A2B; A and B are swapped for B2A. */
  inputs: z
    .strictObject({
      /** Folder of the dataset. */
      folder: z.enum(['testA', 'trainA']).default('testA'),
      /** Only the first so many; null for all. */
      count: firstCount,
    })
    .prefault({}),
  /** Real images to compare with. */
  real: z
    .strictObject({
      /** Folder of the dataset. */
      folder: z.enum(['testB', 'trainB']).default('testB'),
      /** Only the first so many; null for all. */
      count: firstCount,
    })
    .prefault({}),
  /** Styles of the outputs. */
  styles: z
    .strictObject({
      /** Outputs of each input. */
      perInput: count.default(10),
      /** Random styles, or styles encoded from images of the target domain. */
      source: z.enum(['random', 'reference']).default('random'),
      /** Folder of the reference images. */
      references: z.enum(['testB', 'trainB']).default('testB'),
      /** Factor on the style codes. */
      truncation: z.number().min(0).default(1),
    })
    .prefault({}),
  /** One repeat for each seed. */
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
  /** The metrics to measure. */
  metrics: metricsSchema,
});
/** How to evaluate. */
export type Protocol = z.infer<typeof protocolSchema>;
/** Name of a metric. */
export type MetricName = keyof Protocol['metrics'];
