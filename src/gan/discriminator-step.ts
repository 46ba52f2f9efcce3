// The discriminators' half of a step (GANs N' Roses, section 3; the reference's train.py, the D loss and its R1 penalty):
// the diversity discriminators of images, the discriminator of style codes, and the gradients of both.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { discriminatorLoss, relativeLogits, relativisticDiscriminatorLoss } from '../losses/adversarial.js';
import { lecamPenalty } from '../losses/lecam.js';
import { r1Penalty } from '../losses/r1.js';
import { type LossTerms, totalLoss } from '../losses/total.js';
import type { ImageLogits } from '../model/image-discriminator.js';
import type { Params } from '../model/parameters.js';
import { add, reshape, scale, scaleBy } from '../ops/arithmetic.js';
import { Tape } from '../ops/autodiff.js';
import { concat, rows } from '../ops/shape.js';
import { r1WeightOf } from '../optim/schedule.js';
import { kernels } from '../runtime/kernels.js';
import { augmentForDiscriminator, type ImageTransforms } from './discriminator-augment.js';
import { type Both, bothDomains, DOMAINS, sumOfBoth } from './domains.js';
import { HEADS, meanLogits } from './lecam-anchors.js';
import type { Networks } from './networks.js';

/** The inputs of the discriminators for one domain in one step; all of them are constants to their tape. */
export interface DiscriminatorBatch {
  /** Real images of the domain, augmented: `[n, size, size, 3]`. */
  real: Tensor;
  /** Translations into the domain. */
  fake: Tensor;
  /** Style codes to translate the domain's images with, drawn from the normal distribution: `[n, latentDim]`. */
  drawn: Tensor;
  /** Style codes to translate the domain's images with, encoded from images of the other domain. */
  encoded: Tensor;
  /** Transforms of real images and translations. */
  transforms: ImageTransforms;
  /** Anchors of LeCam regularisation, `[2, heads]`, if the config asks for it. */
  anchors: Tensor | undefined;
}

/** One list of logits for each of several batches. */
type LogitsByBatch = Tensor[][];

/** The heads as a list, in the reference's order. */
export function heads(logits: ImageLogits): Tensor[] {
  return HEADS.map((head) => logits[head]);
}

/** Splits the logits of joined batches of `count` rows into those of each batch. */
function splitBatches(logits: readonly Tensor[], count: number): LogitsByBatch {
  const batches = logits[0]!.shape[0]! / count;
  return Array.from({ length: batches }, (_, i) => logits.map((head) => rows(head, i * count, count)));
}

/**
 * Logits of the diversity discriminator of a domain for its real images, and for the translations into it.
 *
 * @param withR1 runs two passes: R1 and R2 differentiate the logits of real images, or of translations, alone. Otherwise both batches share one pass.
 */
function imageLogits(
  { imageDiscriminator }: Networks,
  params: Params,
  { real, fake, transforms }: DiscriminatorBatch,
  withR1: boolean,
): { real: Tensor[]; fake: Tensor[] } {
  const logitsOf = (images: Tensor, firstSet: 'real' | 'fake', batches: number): Tensor[] =>
    heads(imageDiscriminator.apply(params, augmentForDiscriminator(images, transforms, firstSet), batches));
  if (withR1) return { real: logitsOf(real, 'real', 1), fake: logitsOf(fake, 'fake', 1) };
  const [ofReal, ofFake] = splitBatches(logitsOf(concat([real, fake], 0), 'real', 2), real.shape[0]!);
  return { real: ofReal!, fake: ofFake! };
}

/** Logits of the style codes of both domains. @param withR1 as for images. */
function styleLogits(
  { latentDiscriminator }: Networks,
  params: Record<string, Params>,
  batch: Both<DiscriminatorBatch>,
  withR1: boolean,
): Both<{ drawn: Tensor[]; encoded: Tensor[] }> {
  const codes = [
    ...DOMAINS.map((domain) => batch[domain].drawn),
    ...DOMAINS.map((domain) => batch[domain].encoded),
  ];
  const logitsOf = (styles: Tensor, batches: number) => [
    latentDiscriminator.apply(params.D_L!, styles, batches),
  ];
  const [drawnA, drawnB, encodedA, encodedB] = withR1
    ? codes.map((styles) => logitsOf(styles, 1))
    : splitBatches(logitsOf(concat(codes, 0), codes.length), codes[0]!.shape[0]!);
  return { A: { drawn: drawnA!, encoded: encodedA! }, B: { drawn: drawnB!, encoded: encodedB! } };
}

/**
 * Mean sign of the logits of real images, from -1 to 1. Near 1 the discriminator recognises nearly all of them, which is
 * a sign that it memorises the training set (r_t of Karras et al. 2020, "Training GANs with Limited Data", eq. 1). In the
 * relativistic form, where only differences have a meaning, it is that of real logits less those of the paired translations.
 * The diversity head does not count, because it compares whole batches.
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
  config: Config,
  networks: Networks,
  params: Record<string, Params>,
  batch: Both<DiscriminatorBatch>,
  withR1: boolean,
  r1Factor: Tensor | undefined,
  tape: Tape,
): { terms: LossTerms; signals: LossTerms } {
  const { training } = config;
  const images = bothDomains((domain) =>
    imageLogits(networks, params[`D_${domain}`]!, batch[domain], withR1),
  );
  const styles = styleLogits(networks, params, batch, withR1);
  const isRelativistic = training.adversarialForm === 'relativistic';
  const imageLoss = isRelativistic ? relativisticDiscriminatorLoss : discriminatorLoss;
  // Adversarial: translations should look unlike real images, encoded style codes unlike drawn ones.
  const terms: LossTerms = {
    images: sumOfBoth((domain) => imageLoss(images[domain].real, images[domain].fake)),
    styles: sumOfBoth((domain) => discriminatorLoss(styles[domain].drawn, styles[domain].encoded)),
  };
  // R1 gradient penalty, every few steps and as many times stronger (lazy regularization).
  if (withR1) {
    const { statistics } = networks;
    const strength = (r1WeightOf(config, statistics.size) / 2) * training.r1EverySteps;
    const penalty = (logits: Tensor[], input: Tensor): Tensor => {
      const weighted = scale(r1Penalty(tape, logits, input, statistics), strength);
      return r1Factor === undefined ? weighted : scaleBy(weighted, r1Factor);
    };
    for (const domain of DOMAINS) terms[`r1${domain}`] = penalty(images[domain].real, batch[domain].real);
    terms.r1Styles = sumOfBoth((domain) => penalty(styles[domain].drawn, batch[domain].drawn));
    // R2, the same on translations and encoded style codes.
    if (training.r2Factor > 0) {
      const r2 = (logits: Tensor[], input: Tensor) => scale(penalty(logits, input), training.r2Factor);
      for (const domain of DOMAINS) terms[`r2${domain}`] = r2(images[domain].fake, batch[domain].fake);
      terms.r2Styles = sumOfBoth((domain) => r2(styles[domain].encoded, batch[domain].encoded));
    }
  }
  const signals: LossTerms = {};
  for (const domain of DOMAINS) {
    const { real, fake } = images[domain];
    signals[`realSign${domain}`] = realSign(isRelativistic ? relativeLogits(real, fake) : real);
  }
  // LeCam: real and translated images should have logits near the usual ones of the other.
  if (training.lecam.weight > 0) {
    const penalty = sumOfBoth((domain) =>
      lecamPenalty(images[domain].real, images[domain].fake, batch[domain].anchors!),
    );
    terms.lecam = scale(penalty, training.lecam.weight);
    for (const domain of DOMAINS) Object.assign(signals, meanLogits(images[domain], domain));
  }
  return { terms, signals };
}

/**
 * The weighted loss terms of all discriminators, the signals, and the gradients in the order of the group.
 *
 * @param isR1Step whether the loss carries the gradient penalties R1 and R2, if their weights are not 0.
 * @param r1Factor factor on those weights, of shape []; 1 by default.
 */
export function discriminatorGradients(
  config: Config,
  networks: Networks,
  params: Record<string, Params>,
  batch: Both<DiscriminatorBatch>,
  isR1Step: boolean,
  r1Factor?: Tensor,
): { terms: LossTerms; signals: LossTerms; gradients: Tensor[] } {
  const withR1 = isR1Step && config.training.r1Weight !== 0;
  const parameters = networks.discriminators.inOrder(params);
  const penalized = DOMAINS.flatMap((domain) => {
    const { real, drawn, fake, encoded } = batch[domain];
    if (!withR1) return [];
    return config.training.r2Factor > 0 ? [real, drawn, fake, encoded] : [real, drawn];
  });
  const tape = new Tape([...parameters, ...penalized]);
  return tape.record(() => {
    const { terms, signals } = discriminatorTerms(config, networks, params, batch, withR1, r1Factor, tape);
    return { terms, signals, gradients: tape.gradients(totalLoss(terms), parameters) };
  });
}
