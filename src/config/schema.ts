// The schema of the config: types, ranges, defaults and descriptions of all keys.
import { z } from 'zod';
import { lossesSchema } from '../losses/chosen.js';
import { weight } from '../losses/loss.js';
import { adaptiveAugment, augment, diffAugment } from './augment-schema.js';
import { distributed } from './distributed-schema.js';
import { count, everySteps, fraction, positive, powerOfTwo } from './fields.js';
import { growth, MAX_NUM_DOWN } from './growth.js';
import { checkConsistency } from './rules.js';
import { runtime } from './runtime-schema.js';
import { variantDescription, variantNames } from './variants/names.js';

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
  variant: z.enum(variantNames).default('main').describe(variantDescription()),
  size: powerOfTwo(32, 512, 'Width and height of the images, px.').default(256),
  numDown: count(1, MAX_NUM_DOWN)
    .default(3)
    .describe(
      'Number of downsamplings from the image to the content code, whose side is size / 2^numDown px.',
    ),
  latentDim: count(1, 4096).default(8).describe('Length of a style code.'),
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
    .describe(
      'Channels at each resolution (px); entries of a config file override those of the default table.',
    ),
  channelDivisor: positive()
    .default(1)
    .describe('Divisor of every entry of channels, which makes the networks narrower; rounded, at least 1.'),
  discriminatorLocalSize: powerOfTwo(
    4,
    512,
    "Resolution at which the image discriminator's local branch ends, px.",
  ).default(32),
  discriminatorGlobalSize: powerOfTwo(
    4,
    512,
    "Resolution at which the image discriminator's global branch ends, px.",
  ).default(8),
});

const data = z.strictObject({
  root: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder with trainA, trainB, testA and testB, relative to the working directory; required for training.',
    ),
  cacheBytes: z
    .int()
    .min(0)
    .default(512 * MEBIBYTE)
    .describe(
      'Memory for decoded images, bytes; images that do not fit are decoded again each time they are drawn.',
    ),
  workers: count(0, 64)
    .nullable()
    .default(null)
    .describe(
      'Threads that warp the images of the next steps while a step runs; 0 warps them in the main thread, and null uses one thread fewer than there are processors, from 1 to 4. Results are the same.',
    ),
  augment: augment.prefault({}).describe('Random warps of the training images.'),
});

/** R3GAN's schedules: values that go from their start along half a cosine to their end. */
const cosine = z.strictObject({
  steps: count(1, 1e9)
    .nullable()
    .default(null)
    .describe(
      'Length of the cosines, steps; the values stay at their end afterwards. null for training.steps.',
    ),
  learningRateFactor: positive()
    .max(1)
    .nullable()
    .default(null)
    .describe(
      'Factor on the learning rate at the end, in place of decayEverySteps and decayFactor; null keeps these (R3GAN: 0.25).',
    ),
  beta2: z
    .number()
    .min(0)
    .lt(1)
    .nullable()
    .default(null)
    .describe(
      "Decay of Adam's second moments at the end, from the second of betas at the start; null leaves it constant (R3GAN: from 0.9 to 0.99).",
    ),
  r1Factor: fraction()
    .nullable()
    .default(null)
    .describe('Factor on the weight of R1 at the end; null leaves the weight constant (R3GAN: 0.1).'),
});

/** CartoonGAN's initialization phase. */
const initialization = z.strictObject({
  steps: count(0, 1e9).default(0).describe('Length of the phase, steps; 0 for none.'),
  learningRate: positive().default(0.01).describe('Learning rate of Adam in the phase.'),
});

const training = z.strictObject({
  steps: everySteps('Length of the run, steps.').default(300_000),
  batch: count(1, 4096).default(4).describe('Images of each domain in a step.'),
  growth: growth
    .default([])
    .describe(
      'Progressive growing: a list of stages, each with atStep, size (twice the size before) and batch (optional). After that many steps the networks grow to that size, and go on from what they have learned.',
    ),
  seed: count(0, 2 ** 32 - 1)
    .default(1)
    .describe('Seed of everything random: initial weights, sampling, warps, styles.'),
  learningRate: positive().default(0.002).describe('Learning rate of Adam at the start.'),
  warmUpSteps: count(0, 1e9)
    .default(0)
    .describe('Steps over which the learning rate rises from 0 at the start of a run.'),
  initialization: initialization
    .prefault({})
    .describe(
      'A phase at the start in which the generators learn to reproduce images, and nothing else: of the losses, only identity and those of style codes count (the initialization phase of CartoonGAN).',
    ),
  lrMultipliers: z
    .record(z.string().min(1), z.number().min(0).max(1000))
    .default({})
    .describe(
      'Factors on the learning rate of parameters by name (network/path, where * matches any text). The last match counts; 0 freezes, as in {"D_*/l_branch.*": 0}.',
    ),
  betas: z
    .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
    .default([0, 0.99])
    .describe(
      "Decay of Adam's first and second moments; for discriminators both are raised to the power k / (k + 1), where k is r1EverySteps.",
    ),
  decayEverySteps: everySteps('Steps between two decays of the learning rate.').default(100_000),
  decayFactor: positive().max(1).default(0.5).describe('Factor on the learning rate at each decay.'),
  cosine: cosine.prefault({}).describe('Values that change along a cosine over the run, as in R3GAN.'),
  r1Weight: z
    .union([z.number().min(0), z.literal('auto')], { error: 'a number of 0 or more, or auto' })
    .default(10)
    .describe(
      "Weight of the R1 gradient penalty of the discriminators; 0 turns it off. auto computes it from size and batch, for the strength of StyleGAN2-ADA's 0.0002 size^2 / batch: 0.0002 size^2 batch here, where the penalty is that of the mean logit of the batch.",
    ),
  r1EverySteps: everySteps('Steps between two R1 penalties.').default(16),
  r2Factor: weight(
    'Weight of R2, the gradient penalty on translations and encoded style codes, as a factor on that of R1, which it accompanies; 0 turns it off, and 1 is that of R3GAN.',
  ).default(0),
  adversarialForm: z
    .enum(['logistic', 'relativistic'])
    .default('logistic')
    .describe(
      'Adversarial losses of images, of the discriminators and of the generators: logistic scores each image alone, relativistic compares each translation with a real image (R3GAN; with r2Factor 1).',
    ),
  lecam: z
    .strictObject({
      weight: weight(
        'Weight of the LeCam regularisation of the discriminators of images; 0 turns it off.',
      ).default(0),
      decay: z
        .number()
        .min(0)
        .lt(1)
        .default(0.99)
        .describe('Decay per step of the moving averages of the logits, of real images and of translations.'),
    })
    .prefault({})
    .describe(
      'Keeps the logits of real images near the usual ones of translations and the reverse, for small datasets (LeCam).',
    ),
  emaDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe('Decay per step of the averaged (EMA) generators, which are used for translation.'),
  emaRampUp: positive()
    .max(1000)
    .nullable()
    .default(null)
    .describe(
      'Largest half-life of the averages as a share of the steps done, so that early weights are forgotten sooner; null for the half-life of emaDecay from the start (StyleGAN2-ADA: 0.05).',
    ),
  adaptiveAugment: adaptiveAugment
    .prefault({})
    .describe(
      'Random transforms of the images that the image discriminators see, more frequent the more they overfit.',
    ),
  diffAugment: diffAugment
    .prefault({})
    .describe('Random transforms of the images that the image discriminators see, of every one.'),
});

const checkpoint = z.strictObject({
  everySteps: everySteps('Steps between two checkpoints.').default(2000),
  everyMinutes: positive()
    .max(1e6)
    .nullable()
    .default(30)
    .describe(
      'Minutes after which a checkpoint is also written between those steps; the next checkpoint replaces it. null for none.',
    ),
  keepLast: count(1, 1e6)
    .default(3)
    .describe(
      'Number of newest checkpoints to keep; older ones are removed, except those that the next two keys name.',
    ),
  keepEverySteps: count(1, 1e9)
    .nullable()
    .default(null)
    .describe('Checkpoints at multiples of this many steps are never removed; null for none.'),
  keepBest: z
    .strictObject({
      metric: z
        .string()
        .min(1)
        .describe(
          'Name in metrics.jsonl. The mean of a term of training since the previous checkpoint counts (generators/cycle, signals/styleDiversity); of an evaluation (evaluation/fid, evaluation/landmarks/within5), the figure of the checkpoint itself.',
        ),
      order: z
        .enum(['lowest', 'highest'])
        .default('lowest')
        .describe('Whether the lowest or the highest value is best.'),
    })
    .nullable()
    .default(null)
    .describe('Keeps the best checkpoint by a metric, and lets checkpoints/best point to it; null for none.'),
});

const watch = z.strictObject({
  everySteps: everySteps('Steps between two measurements of style diversity.').default(500),
  fromStep: count(0, 1e9)
    .default(2000)
    .describe(
      'First step with warnings, counted from the end of the initialization phase: untrained networks look collapsed.',
    ),
  minDiversity: fraction()
    .default(0.1)
    .describe(
      'Warns if translations of one image in different styles differ by less than this fraction of the difference between real images of domain B.',
    ),
  realSignLimit: z
    .number()
    .min(-1)
    .max(1)
    .default(0.9)
    .describe(
      "Warns if the mean sign of a discriminator's logits of real images is above this, which means that it has memorised them; 1 never warns.",
    ),
  onNonFinite: z
    .enum(['stop', 'rollback'])
    .default('stop')
    .describe(
      'What happens when a loss or weight is not finite: stop ends the run, rollback returns to the newest checkpoint with a smaller learning rate.',
    ),
  rollbackFactor: positive()
    .lt(1)
    .default(0.5)
    .describe('Factor on the learning rate after a rollback, for the rest of the run.'),
  maxRollbacks: count(1, 1000)
    .default(3)
    .describe('Number of rollbacks to one checkpoint after which the run ends.'),
});

const log = z.strictObject({
  everySteps: everySteps('Steps between two lines of metrics.').default(50),
  sampleEverySteps: everySteps('Steps between two sample sheets.').default(1000),
  sampleImages: count(1, 256).default(4).describe('Images of each domain on a sample sheet, one row each.'),
  sampleRaw: z
    .boolean()
    .default(true)
    .describe('Draw each sample sheet a second time, with the raw weights instead of their averages (EMA).'),
  tensorboard: z
    .boolean()
    .default(true)
    .describe(
      'Also write metrics, samples and histograms of the weights for TensorBoard (tensorboard/ in the run folder).',
    ),
});

const evaluation = z.strictObject({
  everySteps: count(1, 1e9)
    .nullable()
    .default(null)
    .describe(
      'Steps between two evaluations (FID and others) of the averaged (EMA) weights, whose results are in the metrics as, for example, evaluation/fid; null for none. FID and LPIPS need the weights that gnr weights fetch downloads; the protocol sample needs none.',
    ),
  protocol: z
    .string()
    .min(1)
    .default('quick')
    .describe('What to measure: the name of a protocol of gnr evaluate, or a .json file.'),
});

/** All keys with their ranges and defaults (of variant main), without the rules between keys. */
export const configShape = z.strictObject({
  model: model.prefault({}).describe('The networks.'),
  data: data.prefault({}).describe('The training images.'),
  training: training.prefault({}).describe('The optimization.'),
  losses: lossesSchema.prefault({}).describe("The terms of the generators' loss."),
  checkpoint: checkpoint.prefault({}).describe('Which checkpoints to write and keep.'),
  watch: watch.prefault({}).describe('Detecting runs that fail.'),
  evaluation: evaluation.prefault({}).describe('Measuring the model during training.'),
  log: log.prefault({}).describe('Metrics and sample sheets.'),
  distributed: distributed.prefault({}).describe('Training with several processes (mpirun).'),
  runtime: runtime.prefault({}).describe('How the machine computes.'),
});

/** The schema of the config, with the rules between keys. Types, checks, defaults and the JSON Schema come from it. */
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
/** A config in which any key may be missing, at every level. */
export type PartialConfig = z.input<typeof configShape>;
