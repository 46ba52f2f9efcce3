import { z } from 'zod';
import { adaptiveAugment, augment } from './augment-schema.js';
import { count, everySteps, fraction, positive, powerOfTwo, weight } from './fields.js';
import { checkConsistency } from './rules.js';
import { runtime } from './runtime-schema.js';

const MEBIBYTE = 1024 * 1024;
const CHANNELS: Record<string, number> = {
  4: 512,
  8: 512,
  16: 512,
  32: 512,
  64: 256,
  128: 128,
  256: 64,
  512: 32,
};

const model = z.strictObject({
  variant: z
    .enum(['main', 'train'])
    .default('main')
    .describe(
      "Which of the reference implementation's two networks and loss sets: the paper's (main) or that of the released training code (train). It sets the defaults of the keys that name a value for train.",
    ),
  size: powerOfTwo(32, 512, 'Width and height of the images, px.').default(256),
  numDown: count(1, 5)
    .default(3)
    .describe('Halvings from the image to the content code, whose side is size / 2^numDown px (train: 4).'),
  latentDim: count(1, 4096).default(8).describe('Numbers in a style code.'),
  styleDim: count(1, 4096).default(512).describe('Width of the mapped style that modulates the decoder.'),
  mappingLayers: count(1, 16)
    .default(5)
    .describe('Layers of the mapping network from style code to mapped style.'),
  mappingRate: positive()
    .default(0.01)
    .describe("Factor on the learning rate of the mapping network's layers."),
  residualBlocks: count(0, 16).default(1).describe('Residual blocks at the resolution of the content code.'),
  latentDiscriminatorWidth: count(1, 4096)
    .default(256)
    .describe('Width of the layers of the discriminator of style codes.'),
  channels: z
    .record(z.string().regex(/^(4|8|16|32|64|128|256|512|1024)$/), count(1, 8192))
    .default(CHANNELS)
    .describe('Channels at each resolution (px); what a file gives is laid over the default table.'),
  channelDivisor: positive()
    .default(1)
    .describe('Divides every entry of channels, rounded, at least 1: the width of the networks.'),
  discriminatorLocalSize: powerOfTwo(
    4,
    512,
    "Resolution at which the image discriminator's local branch ends, px (train: 16).",
  ).default(32),
  discriminatorGlobalSize: powerOfTwo(
    4,
    512,
    "Resolution at which the image discriminator's global branch ends, px (train: 4).",
  ).default(8),
});

const data = z.strictObject({
  root: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder with trainA, trainB, testA and testB, relative to the working directory; training needs it.',
    ),
  cacheBytes: z
    .int()
    .min(0)
    .default(512 * MEBIBYTE)
    .describe('Memory for decoded images, bytes; images beyond it are decoded again when drawn.'),
  workers: count(0, 64)
    .nullable()
    .default(null)
    .describe(
      'Threads that warp the images of the coming steps beside the running one; 0 does so in the main thread, null takes one fewer than there are processors, from 1 to 4. Results are the same.',
    ),
  augment: augment.prefault({}).describe('Random warps of the training images.'),
});

const training = z.strictObject({
  steps: everySteps('Length of the training, steps.').default(300_000),
  batch: count(1, 4096).default(4).describe('Images of each domain in a step.'),
  seed: count(0, 2 ** 32 - 1)
    .default(1)
    .describe('Seed of everything random: weights, sampling, warps, styles.'),
  learningRate: positive().default(0.002).describe('Learning rate of Adam at the start.'),
  warmUpSteps: count(0, 1e9)
    .default(0)
    .describe('Steps over which the learning rate rises from nothing at the start of a training.'),
  lrMultipliers: z
    .record(z.string().min(1), z.number().min(0).max(1000))
    .default({})
    .describe(
      'Factors on the learning rate of parameters by name (network/path, * for any text), of which the last that matches counts; 0 freezes: {"D_*/l_branch.*": 0}.',
    ),
  betas: z
    .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
    .default([0, 0.99])
    .describe(
      "Decay of Adam's first and second moments; discriminators take both to the power k / (k + 1), k = r1EverySteps.",
    ),
  decayEverySteps: everySteps('Steps between two decays of the learning rate.').default(100_000),
  decayFactor: positive().max(1).default(0.5).describe('What a decay multiplies the learning rate by.'),
  r1Weight: weight('Weight of the R1 gradient penalty of the discriminators; 0 turns it off.').default(10),
  r1EverySteps: everySteps('Steps between two R1 penalties.').default(16),
  emaDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe('Decay per step of the averaged generators, which translate.'),
  adaptiveAugment: adaptiveAugment
    .prefault({})
    .describe('Transforms of what the image discriminators see, as frequent as they overfit.'),
});

const losses = z.strictObject({
  adversarial: weight('Weight of the adversarial loss on images.').default(1),
  latentAdversarial: weight('Weight of the adversarial loss on style codes.').default(2),
  styleConsistency: z
    .strictObject({
      form: z
        .enum(['variance', 'cosine'])
        .default('variance')
        .describe(
          'Measure of how far the style codes of one batch lie apart: variance, or pairwise cosine distance (train: cosine).',
        ),
      weight: weight('Weight of the style consistency loss.').default(50),
    })
    .prefault({})
    .describe('One style for all warps of one image.'),
  cycle: z
    .strictObject({
      form: z
        .enum(['l2', 'l1'])
        .default('l2')
        .describe('Squared (l2) or absolute (l1) difference of pixels (train: l1).'),
      weight: weight('Weight of the cycle consistency loss on pixels.').default(20),
    })
    .prefault({})
    .describe('Translating there and back gives the image again.'),
  lpips: z
    .strictObject({
      weight: weight('Weight of the perceptual (LPIPS, VGG) cycle loss; 0 turns it off.').default(10),
      weights: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          'Weights of LPIPS (VGG): "cache" for those that gnr weights keeps (vgg16 and lpips-vgg), or a file, relative to the working directory; null where weight is 0.',
        ),
    })
    .prefault({})
    .describe('Perceptual cycle consistency.'),
  styleReconstruction: weight('Weight of recovering a random style from its image (train: 0).').default(5),
  identity: weight('Weight of leaving an image alone that is of the target domain (train: 10).').default(0),
});

const checkpoint = z.strictObject({
  everySteps: everySteps('Steps between two checkpoints.').default(2000),
  keepLast: count(1, 1e6)
    .default(3)
    .describe('Newest checkpoints kept; older ones are removed, but for those that the next two keys name.'),
  keepEverySteps: count(1, 1e9)
    .nullable()
    .default(null)
    .describe('Checkpoints of multiples of so many steps stay for good; null for none.'),
  keepBest: z
    .strictObject({
      metric: z
        .string()
        .min(1)
        .describe(
          'Name in metrics.jsonl, such as generators/cycle or signals/styleDiversity; its mean since the checkpoint before counts.',
        ),
      order: z.enum(['lowest', 'highest']).default('lowest').describe('Which value is the best.'),
    })
    .nullable()
    .default(null)
    .describe('The best checkpoint by a metric stays, and checkpoints/best points to it; null for none.'),
});

const watch = z.strictObject({
  everySteps: everySteps('Steps between two measurements of style diversity.').default(500),
  fromStep: count(0, 1e9)
    .default(2000)
    .describe('No warnings before this step: untrained networks look collapsed.'),
  minDiversity: fraction()
    .default(0.1)
    .describe(
      'Warn where pictures of one photo in different styles differ by less than this part of the difference between real pictures of domain B.',
    ),
  realSignLimit: z
    .number()
    .min(-1)
    .max(1)
    .default(0.9)
    .describe(
      "Warn where the mean sign of a discriminator's logits of real pictures is above this: it then knows them by heart; 1 never warns.",
    ),
  onNonFinite: z
    .enum(['stop', 'rollback'])
    .default('stop')
    .describe(
      'What a loss or weight that is not finite does: end the run, or go back to the newest checkpoint with a smaller learning rate.',
    ),
  rollbackFactor: positive()
    .lt(1)
    .default(0.5)
    .describe('What a rollback multiplies the learning rate by, for the rest of the run.'),
  maxRollbacks: count(1, 1000).default(3).describe('Rollbacks to one checkpoint after which the run ends.'),
});

const log = z.strictObject({
  everySteps: everySteps('Steps between two lines of metrics.').default(50),
  sampleEverySteps: everySteps('Steps between two pictures of samples.').default(1000),
  sampleImages: count(1, 256)
    .default(4)
    .describe('Images of each domain in a picture of samples: a row each.'),
  sampleRaw: z
    .boolean()
    .default(true)
    .describe(
      'Draw each picture of samples a second time, with the weights as trained in place of their averages.',
    ),
  tensorboard: z
    .boolean()
    .default(true)
    .describe(
      'Write metrics, samples and histograms of the weights for TensorBoard too (tensorboard/ in the run).',
    ),
});

const evaluation = z.strictObject({
  everySteps: count(1, 1e9)
    .nullable()
    .default(null)
    .describe(
      'Steps between two evaluations (FID and the like) of the averaged weights, whose figures stand in the metrics as evaluation/fid; null for none. gnr weights fetch provides what they need.',
    ),
  protocol: z
    .string()
    .min(1)
    .default('quick')
    .describe('What is measured: the name of a protocol of gnr evaluate, or a .json file.'),
});

/** The keys, their ranges and defaults (variant main), without the rules between keys. */
export const configShape = z.strictObject({
  model: model.prefault({}).describe('The networks.'),
  data: data.prefault({}).describe('The training images.'),
  training: training.prefault({}).describe('The optimization.'),
  losses: losses.prefault({}).describe("The terms of the generators' loss."),
  checkpoint: checkpoint.prefault({}).describe('Saving.'),
  watch: watch.prefault({}).describe('Looking out for trainings that fail.'),
  evaluation: evaluation.prefault({}).describe('Measuring the model while it is trained.'),
  log: log.prefault({}).describe('Metrics and sample pictures.'),
  runtime: runtime.prefault({}).describe('How the machine computes.'),
});

/** The config: the one description of every key; types, checks, defaults and the JSON Schema come from it. */
export const configSchema = configShape.superRefine((config, context) => {
  if (context.issues.length > 0) return;
  for (const { path, message } of checkConsistency(config)) {
    context.addIssue({ code: 'custom', path, message });
  }
});

export type Config = z.output<typeof configShape>;
export type ModelConfig = Config['model'];
export type AugmentConfig = Config['data']['augment'];
export type TrainingConfig = Config['training'];
export type LossesConfig = Config['losses'];
/** A config with any keys left out, at every level. */
export type PartialConfig = z.input<typeof configShape>;
