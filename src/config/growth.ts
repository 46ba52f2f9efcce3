// Progressive growing (Karras et al. 2018): the stages of a run, each at twice the size of the one before.
import { z } from 'zod';
import { count, powerOfTwo } from './fields.js';
import type { Config, TrainingConfig } from './schema.js';

/**
 * Channels that a network needs at a new size: three carry the colours of an image through the new layers, and three their
 * negatives, so that leaky ReLU loses nothing.
 */
export const MIN_GROWN_CHANNELS = 6;
const MAX_SIZE = 512;
/** The most downsamplings that networks have. */
export const MAX_NUM_DOWN = 5;

/** The config's key `training.growth`. */
export const growth = z.array(
  z.strictObject({
    atStep: count(1, 1e9).describe('Steps of the run after which the networks grow.'),
    size: powerOfTwo(64, MAX_SIZE, 'Width and height of the images from then on, px; twice those before.'),
    batch: count(1, 4096)
      .optional()
      .describe('Images of each domain in a step from then on; by default as before.'),
  }),
);

type Growth = Config['training']['growth'][number];

/** A part of a run in which the networks keep their size. */
export interface Stage {
  /** The config of the run with the model and the batch of the stage. */
  config: Config;
  /** Steps done at its start and at its end. */
  from: number;
  until: number;
}

/** The growths that are still ahead of a config; those up to `model.size` are done. */
function growthsAhead({ model, training }: Config): Growth[] {
  return training.growth.filter(({ size }) => size > model.size);
}

/** The growths for which the run has no steps left. */
export function growthsUnreached(config: Config): Growth[] {
  return growthsAhead(config).filter(({ atStep }) => atStep >= config.training.steps);
}

/** The config after a growth: the content code keeps its size. */
function grownConfig({ model, training, ...rest }: Config, { size, batch }: Growth): Config {
  const doublings = Math.log2(size / model.size);
  return {
    ...rest,
    model: { ...model, size, numDown: model.numDown + doublings },
    training: { ...training, batch: batch ?? training.batch },
  };
}

/**
 * The config of the stage that goes on after `step` steps; at the end of the run, that of its last steps. Growths that the
 * config has behind it change nothing, so the config of a checkpoint, which is that of its stage, gives the same as the
 * config of the whole run.
 */
export function configAt(config: Config, step: number): Config {
  return growthsAhead(config)
    .filter(({ atStep }) => atStep <= step && atStep < config.training.steps)
    .reduce(grownConfig, config);
}

/** The step at which the stage of a config ends: the next growth, or the end of the run. */
export function stageEnd(config: Config): number {
  const { steps } = config.training;
  return Math.min(steps, growthsAhead(config)[0]?.atStep ?? steps);
}

/** The stages of a run from its start, or from the stage of its config. */
export function stagesOf(config: Config): Stage[] {
  const stages: Stage[] = [{ config, from: 0, until: stageEnd(config) }];
  for (let last = stages[0]!; last.until < config.training.steps; stages.push(last)) {
    const next = configAt(last.config, last.until);
    last = { config: next, from: last.until, until: stageEnd(next) };
  }
  return stages;
}

/**
 * Number of a step, counted from 0, for Adam's bias correction, counted from 1. It starts again when the networks grow: new
 * weights, whose moments start at zero, then move as in a new run. The moments of the others are kept, which makes their
 * first steps smaller: with a second beta of 0.99, a tenth at first, and four fifths after a hundred steps.
 */
export function adamStepAt(step: number, { growth: growths }: Pick<TrainingConfig, 'growth'>): number {
  const from = growths.findLast(({ atStep }) => atStep <= step)?.atStep ?? 0;
  return step - from + 1;
}

/** Checks that each growth doubles the size, and that the new layers have room for what they take over. */
export function checkGrowth(config: Config, reject: (path: string, message: string) => void): void {
  const { model, training } = config;
  for (const [i, { atStep, size }] of training.growth.entries()) {
    const before = training.growth[i - 1];
    if (before !== undefined && size !== 2 * before.size)
      reject(`training.growth.${i}.size`, `${2 * before.size}, twice the size before`);
    if (before !== undefined && atStep <= before.atStep)
      reject(`training.growth.${i}.atStep`, `more than ${before.atStep}, the step of the growth before`);
  }
  const ahead = growthsAhead(config);
  const index = training.growth.length - ahead.length;
  if (ahead[0] !== undefined && index === 0 && ahead[0].size !== 2 * model.size)
    reject('training.growth.0.size', `${2 * model.size}, twice model.size`);
  if (model.numDown + ahead.length > MAX_NUM_DOWN)
    reject(
      'model.numDown',
      `at most ${MAX_NUM_DOWN - ahead.length} with training.growth, each of which adds one downsampling, up to ${MAX_NUM_DOWN}`,
    );
  for (const { size } of ahead) {
    const needed = Math.ceil((MIN_GROWN_CHANNELS - 0.5) * model.channelDivisor);
    const width = model.channels[String(size)];
    if (width !== undefined && width < needed)
      reject(
        `model.channels.${size}`,
        `at least ${needed} with model.channelDivisor ${model.channelDivisor}, because networks that grow need ${MIN_GROWN_CHANNELS} channels at the new size`,
      );
  }
}
