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

/** What the discriminators judge in one step; all of it constant to them. */
export interface DiscriminatorBatch {
  /** Real pictures of each domain, augmented: `[n, size, size, 3]`. */
  realA: Tensor;
  realB: Tensor;
  /** Translations into each domain. */
  fakeA: Tensor;
  fakeB: Tensor;
  /** Drawn style codes, `[n, latentDim]`. */
  drawnA2B: Tensor;
  drawnB2A: Tensor;
  /** Encoded style codes. */
  encodedA2B: Tensor;
  encodedB2A: Tensor;
  /** Of the pictures, real ones and translations. */
  transforms: AdaTransforms;
}

/** The heads as a list, in the reference's order. */
export function heads({ local, global, diversity }: ImageLogits): Tensor[] {
  return [local, global, diversity];
}

/** Cuts a pass over several joined batches of `count` rows into one list of logits for each. */
function parts(logits: readonly Tensor[], count: number): Tensor[][] {
  const groups = logits[0]!.shape[0]! / count;
  return Array.from({ length: groups }, (_, i) => logits.map((head) => rows(head, i * count, count)));
}

/**
 * Mean sign of the logits of real pictures, from -1 to 1: near 1, the discriminator knows nearly all of them, which is
 * what learning a training set by heart looks like (r_t of Karras et al. 2020, "Training GANs with Limited Data", eq. 1).
 * The diversity head, which judges batches, is left out.
 */
function realSign([local, global]: readonly Tensor[]): Tensor {
  const k = kernels();
  const signs = [local!, global!].map((logits) =>
    reshape(k.mean(k.sign(logits), [...logits.shape.keys()], false), []),
  );
  return scale(add(signs[0]!, signs[1]!), 0.5);
}

/**
 * Loss terms of all discriminators, their gradients in the order of the group, and signals: what else tells how they do.
 *
 * @param mayHaveR1 whether the loss carries the gradient penalty, where its weight is not 0.
 */
export function discriminatorGradients(
  config: Config,
  networks: Networks,
  params: Record<string, Params>,
  batch: DiscriminatorBatch,
  mayHaveR1: boolean,
): { terms: LossTerms; signals: LossTerms; gradients: Tensor[] } {
  const { imageDiscriminator, latentDiscriminator, discriminators } = networks;
  const { r1Weight, r1EverySteps } = config.training;
  const withR1 = mayHaveR1 && r1Weight > 0;
  const parameters = discriminators.inOrder(params);
  const watched = withR1 ? [batch.realA, batch.realB, batch.drawnA2B, batch.drawnB2A] : [];
  const tape = new Tape([...parameters, ...watched]);
  return tape.record(() => {
    const count = batch.realA.shape[0]!;
    const judge = (domain: 'A' | 'B', real: Tensor, fake: Tensor): Tensor[][] => {
      const apply = (images: Tensor, first: 'real' | 'fake', groups: number) =>
        heads(
          imageDiscriminator.apply(
            params[`D_${domain}`]!,
            augmentForDiscriminator(images, batch.transforms, `${first}${domain}`),
            groups,
          ),
        );
      // R1 differentiates the real logits alone; otherwise real and fake share one pass.
      if (withR1) return [apply(real, 'real', 1), apply(fake, 'fake', 1)];
      return parts(apply(concat([real, fake], 0), 'real', 2), count);
    };
    const discriminateStyles = (): Tensor[][] => {
      const styles = [batch.drawnA2B, batch.drawnB2A, batch.encodedA2B, batch.encodedB2A];
      const apply = (x: Tensor, groups: number) => [latentDiscriminator.apply(params.D_L!, x, groups)];
      if (withR1) return styles.map((style) => apply(style, 1));
      return parts(apply(concat(styles, 0), styles.length), count);
    };
    const [realA, fakeA] = judge('A', batch.realA, batch.fakeA);
    const [realB, fakeB] = judge('B', batch.realB, batch.fakeB);
    const [drawnA2B, drawnB2A, encodedA2B, encodedB2A] = discriminateStyles();
    const terms: LossTerms = {
      images: add(discriminatorLoss(realA!, fakeA!), discriminatorLoss(realB!, fakeB!)),
      styles: add(discriminatorLoss(drawnA2B!, encodedA2B!), discriminatorLoss(drawnB2A!, encodedB2A!)),
    };
    if (withR1) {
      const penalty = (logits: Tensor[], input: Tensor): Tensor =>
        weighted((r1Weight / 2) * r1EverySteps, () => r1Penalty(tape, logits, input))!;
      terms.r1A = penalty(realA!, batch.realA);
      terms.r1B = penalty(realB!, batch.realB);
      terms.r1Styles = add(penalty(drawnA2B!, batch.drawnA2B), penalty(drawnB2A!, batch.drawnB2A));
    }
    const signals = { realSignA: realSign(realA!), realSignB: realSign(realB!) };
    return { terms, signals, gradients: tape.gradients(totalLoss(terms), parameters) };
  });
}
