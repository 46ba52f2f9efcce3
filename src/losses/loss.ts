// The interface of the terms of the generators' loss.

import type { Tensor } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Ranks } from '../ops/ranks.js';

/** Distances `[n]` of n pairs of images. */
export type ImageDistances = (a: Tensor, b: Tensor) => Tensor;

/** Translations that were moved onto others of the same image. */
export interface Realigned {
  /** `[n, size, size, 3]`. */
  images: Tensor;
  /** 1 where they show something of the others, else 0: `[n, size, size, 1]`. */
  overlap: Tensor;
}

/**
 * What losses are computed from: the tensors of one domain in a step, whose images are its own and are translated into the
 * other domain. Images are `[n, size, size, 3]` in [-1, 1], style codes `[n, latentDim]`, logits a tensor for each head of
 * a discriminator. A step computes what its losses ask for.
 */
export interface LossInputs {
  /** One image, augmented n times; these are the images that are translated. */
  same: Tensor;
  /** n different images, augmented. */
  mixed: Tensor;
  /** n different images of the other domain, augmented: what the translations should look like. */
  real: Tensor;
  /** The style codes of `same`. */
  sameStyles: Tensor;
  /** The style codes of `mixed`. */
  mixedStyles: Tensor;
  /** The style codes that `same` is translated with. */
  style: Tensor;
  /** The translations of `same` into the other domain. */
  translated: Tensor;
  /**
   * `same`, translated with the style codes of the next image of the batch: the contents of `translated`, in other styles.
   * A constant to gradients. A loss of it needs a batch of at least 2.
   */
  restyled: Tensor;
  /**
   * The contents of other warps of the same image, translated with the style codes of `translated`, and moved to where
   * `translated` shows the same. Constants to gradients. A loss of it needs a batch of at least 2.
   */
  realigned: Realigned;
  /** The style codes that the translations encode to. */
  recoveredStyle: Tensor;
  /** The translations, translated back with style codes of `same`. */
  returned: Tensor;
  /** `mixed`, encoded and decoded with their own style codes by the generator that translates into this domain. */
  rebuilt: Tensor;
  /**
   * Logits of this domain's discriminator for the translations into this domain; in the relativistic form, less those of
   * the real images that they are paired with.
   */
  fakeLogits: Tensor[];
  /** Logits of the discriminator of style codes, for the encoded codes among which those for `same` are picked. */
  styleLogits: Tensor[];
  /** LPIPS, on VGG-16. */
  lpips: ImageDistances;
  /** The ranks whose batches count as one for statistics over the batch. */
  statistics: Ranks;
}

/** A value in the config's section `losses`: a weight, or options with a weight. */
export type LossConfig = number | { weight: number };

/** An option that is wrong together with another, and its expected value. */
export interface WrongOption {
  option: string;
  expected: string;
}

/** A term of the generators' loss: all that the config and the step know of it, except its name. */
export interface Loss<
  Schema extends z.ZodType<LossConfig> = z.ZodType<LossConfig>,
  Input extends keyof LossInputs = keyof LossInputs,
> {
  /** Schema of its value in the config, with description and defaults. With weight 0, nothing of the loss is computed. */
  config: Schema;
  /** What it is computed from. */
  inputs: readonly Input[];
  /** Whether it trains the decoders without another loss: losses of encoded style codes do not reach them. */
  trainsDecoder: boolean;
  /** Whether it counts in the initialization phase (`training.initialization`), in which nothing is translated; by default not. */
  inInitialization?: boolean;
  /** Where the weights of LPIPS are, `cache` or a file; null if nowhere. A loss of `lpips` has to say it. */
  lpipsWeights?(config: z.output<Schema>): string | null;
  /** Steps over which its weight falls linearly to 0; null, as without it, if the weight stays. */
  decaySteps?(config: z.output<Schema>): number | null;
  /** Checks options that have to fit together; undefined if they do. */
  problem?(config: z.output<Schema>): WrongOption | undefined;
  /** The term of one domain, a scalar without its weight; the step adds those of both domains. */
  term(inputs: Pick<LossInputs, Input>, config: z.output<Schema>): Tensor;
}

type SaysLpipsWeights<Schema extends z.ZodType<LossConfig>> = Required<Pick<Loss<Schema>, 'lpipsWeights'>>;

/** Returns the loss; its type has the options of the schema and the names of the inputs. */
export function defineLoss<Schema extends z.ZodType<LossConfig>, Input extends keyof LossInputs>(
  loss: Loss<Schema, Input> & ('lpips' extends Input ? SaysLpipsWeights<Schema> : unknown),
): Loss<Schema, Input> {
  return loss;
}

/** Schema of a weight, without its default. */
export const weight = (description: string) => z.number().min(0).describe(description);
