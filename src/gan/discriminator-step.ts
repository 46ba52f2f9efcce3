// The discriminators' half of a step (GANs N' Roses, section 3; the reference's train.py, the D loss and its R1 penalty):
// the diversity discriminators of images, the discriminator of style codes, and the gradients of both.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { discriminatorLoss } from '../losses/adversarial.js';
import { r1Penalty } from '../losses/r1.js';
import { type LossTerms, totalLoss, weighted } from '../losses/total.js';
import type { ImageLogits } from '../model/image-discriminator.js';
import type { Params } from '../model/parameters.js';
import { add, reshape, scale } from '../ops/arithmetic.js';
import { Tape } from '../ops/autodiff.js';
import { concat, rows } from '../ops/shape.js';
import { kernels } from '../runtime/kernels.js';
import { type AdaTransforms, augmentForDiscriminator } from './discriminator-augment.js';
import type { Networks } from './networks.js';

/** The inputs of the discriminators in one step; all of them are constants to their tape. */
export interface DiscriminatorBatch {
  /** Real images of each domain, augmented: `[n, size, size, 3]`. */
  realA: Tensor;
  realB: Tensor;
  /** Translations into each domain. */
  fakeA: Tensor;
  fakeB: Tensor;
  /** Style codes drawn from the normal distribution, `[n, latentDim]`. */
  drawnA2B: Tensor;
  drawnB2A: Tensor;
  /** Style codes encoded from images. */
  encodedA2B: Tensor;
  encodedB2A: Tensor;
  /** Transforms of real images and translations. */
  transforms: AdaTransforms;
}

/** One list of logits for each of several batches. */
type LogitsByBatch = Tensor[][];

/** The heads as a list, in the reference's order. */
export function heads({ local, global, diversity }: ImageLogits): Tensor[] {
  return [local, global, diversity];
}

/** Splits the logits of joined batches of `count` rows into those of each batch. */
function splitBatches(logits: readonly Tensor[], count: number): LogitsByBatch {
  const batches = logits[0]!.shape[0]! / count;
  return Array.from({ length: batches }, (_, i) => logits.map((head) => rows(head, i * count, count)));
}

/**
 * Logits of the diversity discriminator of a domain: those of its real images, and those of the translations into it.
 *
 * @param withR1 runs two passes: R1 differentiates the real logits alone. Otherwise both batches share one pass.
 */
function imageLogits(
  { imageDiscriminator }: Networks,
  params: Record<string, Params>,
  { transforms, ...batch }: DiscriminatorBatch,
  domain: 'A' | 'B',
  withR1: boolean,
): LogitsByBatch {
  const real = batch[`real${domain}`];
  const fake = batch[`fake${domain}`];
  const logitsOf = (images: Tensor, firstSet: 'real' | 'fake', batches: number): Tensor[] =>
    heads(
      imageDiscriminator.apply(
        params[`D_${domain}`]!,
        augmentForDiscriminator(images, transforms, `${firstSet}${domain}`),
        batches,
      ),
    );
  if (withR1) return [logitsOf(real, 'real', 1), logitsOf(fake, 'fake', 1)];
  return splitBatches(logitsOf(concat([real, fake], 0), 'real', 2), real.shape[0]!);
}

/** Logits of the style codes: drawn A2B, drawn B2A, encoded A2B, encoded B2A. @param withR1 as for images. */
function styleLogits(
  { latentDiscriminator }: Networks,
  params: Record<string, Params>,
  { drawnA2B, drawnB2A, encodedA2B, encodedB2A }: DiscriminatorBatch,
  withR1: boolean,
): LogitsByBatch {
  const codes = [drawnA2B, drawnB2A, encodedA2B, encodedB2A];
  const logitsOf = (styles: Tensor, batches: number) => [
    latentDiscriminator.apply(params.D_L!, styles, batches),
  ];
  if (withR1) return codes.map((styles) => logitsOf(styles, 1));
  return splitBatches(logitsOf(concat(codes, 0), codes.length), drawnA2B.shape[0]!);
}

/**
 * Mean sign of the logits of real images, from -1 to 1. Near 1 the discriminator recognises nearly all of them, which is
 * a sign that it memorises the training set (r_t of Karras et al. 2020, "Training GANs with Limited Data", eq. 1). The
 * diversity head does not count, because it compares whole batches.
 */
function realSign([local, global]: readonly Tensor[]): Tensor {
  const k = kernels();
  const signs = [local!, global!].map((logits) =>
    reshape(k.mean(k.sign(logits), [...logits.shape.keys()], false), []),
  );
  return scale(add(signs[0]!, signs[1]!), 0.5);
}

/**
 * The terms of the discriminators' loss, and signals: measures of how the discriminators do that are no part of the loss.
 * Runs while `tape` records.
 */
function discriminatorTerms(
  { training }: Config,
  networks: Networks,
  params: Record<string, Params>,
  batch: DiscriminatorBatch,
  withR1: boolean,
  tape: Tape,
): { terms: LossTerms; signals: LossTerms } {
  const [realA, fakeA] = imageLogits(networks, params, batch, 'A', withR1);
  const [realB, fakeB] = imageLogits(networks, params, batch, 'B', withR1);
  const [drawnA2B, drawnB2A, encodedA2B, encodedB2A] = styleLogits(networks, params, batch, withR1);
  // Adversarial: translations should look unlike real images, encoded style codes unlike drawn ones.
  const terms: LossTerms = {
    images: add(discriminatorLoss(realA!, fakeA!), discriminatorLoss(realB!, fakeB!)),
    styles: add(discriminatorLoss(drawnA2B!, encodedA2B!), discriminatorLoss(drawnB2A!, encodedB2A!)),
  };
  // R1 gradient penalty, every few steps and as many times stronger (lazy regularization).
  if (withR1) {
    const penalty = (logits: Tensor[], input: Tensor): Tensor =>
      weighted((training.r1Weight / 2) * training.r1EverySteps, () => r1Penalty(tape, logits, input))!;
    terms.r1A = penalty(realA!, batch.realA);
    terms.r1B = penalty(realB!, batch.realB);
    terms.r1Styles = add(penalty(drawnA2B!, batch.drawnA2B), penalty(drawnB2A!, batch.drawnB2A));
  }
  const signals = { realSignA: realSign(realA!), realSignB: realSign(realB!) };
  return { terms, signals };
}

/**
 * The weighted loss terms of all discriminators, the signals, and the gradients in the order of the group.
 *
 * @param isR1Step whether the loss carries the R1 penalty, if its weight is not 0.
 */
export function discriminatorGradients(
  config: Config,
  networks: Networks,
  params: Record<string, Params>,
  batch: DiscriminatorBatch,
  isR1Step: boolean,
): { terms: LossTerms; signals: LossTerms; gradients: Tensor[] } {
  const withR1 = isR1Step && config.training.r1Weight > 0;
  const parameters = networks.discriminators.inOrder(params);
  const penalized = withR1 ? [batch.realA, batch.realB, batch.drawnA2B, batch.drawnB2A] : [];
  const tape = new Tape([...parameters, ...penalized]);
  return tape.record(() => {
    const { terms, signals } = discriminatorTerms(config, networks, params, batch, withR1, tape);
    return { terms, signals, gradients: tape.gradients(totalLoss(terms), parameters) };
  });
}
