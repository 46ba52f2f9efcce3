// The generators' half of a step (GANs N' Roses, section 3; the reference's train.py, the G loss): encodes images into content
// and style codes, translates both ways and back, and computes every term of the generators' loss.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { generatorLoss } from '../losses/adversarial.js';
import { cycleLoss } from '../losses/cycle.js';
import { identityLoss } from '../losses/identity.js';
import { lpipsLoss } from '../losses/lpips.js';
import { styleCosineDistance, styleVariance } from '../losses/style-consistency.js';
import { styleReconstructionLoss } from '../losses/style-reconstruction.js';
import { type LossTerms, namedTerms, weighted } from '../losses/total.js';
import type { GeneratorName } from '../model/networks.js';
import type { Params } from '../model/parameters.js';
import { add } from '../ops/arithmetic.js';
import { concat, gatherRows, rows } from '../ops/shape.js';
import type { Lpips } from '../perceptual/lpips.js';
import { type AdaTransforms, augmentForDiscriminator } from './discriminator-augment.js';
import { heads } from './discriminator-step.js';
import { checkpointPolicyOf, type Networks } from './networks.js';

/** The inputs of one training step. Images are `[n, size, size, 3]` in [-1, 1]. */
export interface StepBatch extends AdaTransforms {
  /** One image of each domain, augmented n times: its style must stay, its content changes. */
  sameA: Tensor;
  sameB: Tensor;
  /** n different images of each domain, augmented. */
  mixedA: Tensor;
  mixedB: Tensor;
  /** Style codes drawn from the normal distribution for each direction: `[n, latentDim]`. */
  drawnA2B: Tensor;
  drawnB2A: Tensor;
  /** Rows of concat(drawn, encoded) that become the styles to translate with: int32 `[n]`, from 0 to 2n - 1. */
  pickA2B: Tensor;
  pickB2A: Tensor;
  /** Orders of the encoded styles for the way back: int32 `[n]`. */
  orderA: Tensor;
  orderB: Tensor;
}

/** The codes of the images of one domain. */
interface DomainCodes {
  /** Content codes of the augmentations of one image, `[n, c, c, channels]`. */
  content: Tensor;
  /** Style codes of the same augmentations, `[n, latentDim]`; style consistency makes them one. */
  sameStyles: Tensor;
  /** Style codes of the different images, `[n, latentDim]`; translations into this domain use them. */
  mixedStyles: Tensor;
}

/** The translations of a step and the codes that they came from; both halves of the step use them. */
export interface Translations {
  A: DomainCodes;
  B: DomainCodes;
  /** The style codes of the translations, `[n, latentDim]`. */
  styleA2B: Tensor;
  styleB2A: Tensor;
  /** Translations into each domain, `[n, size, size, 3]`. */
  fakeA: Tensor;
  fakeB: Tensor;
}

/** Encodes both domains and translates both ways, with styles picked from drawn and encoded ones. */
export function translateBatch(
  { generator }: Networks,
  params: Record<string, Params>,
  batch: StepBatch,
): Translations {
  // One pass through the stem for both sets of images; only the first needs its content.
  const encode = (name: GeneratorName, same: Tensor, mixed: Tensor): DomainCodes => {
    const network = params[name]!;
    const count = same.shape[0]!;
    const features = generator.stem(network, concat([same, mixed], 0));
    const styles = generator.styleHead(network, features);
    return {
      sameStyles: rows(styles, 0, count),
      mixedStyles: rows(styles, count, count),
      content: generator.contentHead(network, rows(features, 0, count)),
    };
  };
  const A = encode('G_A2B', batch.sameA, batch.mixedA);
  const B = encode('G_B2A', batch.sameB, batch.mixedB);
  const styleA2B = gatherRows(concat([batch.drawnA2B, B.mixedStyles], 0), batch.pickA2B);
  const styleB2A = gatherRows(concat([batch.drawnB2A, A.mixedStyles], 0), batch.pickB2A);
  return {
    A,
    B,
    styleA2B,
    styleB2A,
    fakeB: generator.decode(params.G_A2B!, A.content, styleA2B),
    fakeA: generator.decode(params.G_B2A!, B.content, styleB2A),
  };
}

/** A domain's images after the way there and back. */
interface Cycle {
  /** The original images again, `[n, size, size, 3]`. */
  returned: Tensor;
  /** The style codes that the translations encode to, `[n, latentDim]`. */
  recoveredStyle: Tensor;
  /** The target domain's images, encoded and decoded with their own styles; only with `mixed`. */
  rebuilt: Tensor | undefined;
}

/**
 * Translates translations back, each with a style of its original domain.
 *
 * @param batch.mixed images of the domain that `network` translates into; they share the pass, for the identity loss.
 */
function translateBack(
  { generator }: Networks,
  network: Params,
  batch: { fake: Tensor; style: Tensor; mixed?: Tensor },
): Cycle {
  const { fake, style, mixed } = batch;
  const count = fake.shape[0]!;
  const code = generator.encode(network, mixed === undefined ? fake : concat([fake, mixed], 0));
  const styles = mixed === undefined ? style : concat([style, rows(code.style, count, count)], 0);
  const images = generator.decode(network, code.content, styles);
  return {
    returned: rows(images, 0, count),
    recoveredStyle: rows(code.style, 0, count),
    rebuilt: mixed === undefined ? undefined : rows(images, count, count),
  };
}

/** The inputs of the generators' loss beside the batch. */
export interface GeneratorLossInputs {
  config: Config;
  networks: Networks;
  /** Effective generator weights. */
  generatorParams: Record<string, Params>;
  /** Effective discriminator weights, already updated in this step; constant here. */
  discriminatorParams: Record<string, Params>;
  /** Needed if the LPIPS weight is not 0. */
  perceptual?: { lpips: Lpips; params: Params };
}

/** The weighted terms of the generators' loss; a term of weight 0 is absent and not computed. */
export function generatorTerms(
  inputs: GeneratorLossInputs,
  batch: StepBatch,
  translations: Translations,
): LossTerms {
  const { config, networks, generatorParams, discriminatorParams, perceptual } = inputs;
  const { losses } = config;
  const { imageDiscriminator, latentDiscriminator } = networks;
  const { A, B, styleA2B, styleB2A, fakeA, fakeB } = translations;
  const policy = checkpointPolicyOf(config.runtime);
  const withIdentity = losses.identity > 0;
  // A to B and back to A, then B to A and back to B, in the styles of the originals.
  const cycleA = translateBack(networks, generatorParams.G_B2A!, {
    fake: fakeB,
    style: gatherRows(A.sameStyles, batch.orderA),
    ...(withIdentity && { mixed: batch.mixedA }),
  });
  const cycleB = translateBack(networks, generatorParams.G_A2B!, {
    fake: fakeA,
    style: gatherRows(B.sameStyles, batch.orderB),
    ...(withIdentity && { mixed: batch.mixedB }),
  });
  const imageLogits = (domain: 'A' | 'B', fake: Tensor): Tensor[] =>
    heads(
      imageDiscriminator.apply(
        discriminatorParams[`D_${domain}`]!,
        augmentForDiscriminator(fake, batch, `generated${domain}`),
      ),
    );
  const styleSpread = losses.styleConsistency.form === 'variance' ? styleVariance : styleCosineDistance;
  return namedTerms({
    // The diversity discriminators should take translations for real images.
    adversarial: weighted(losses.adversarial, () =>
      add(generatorLoss(imageLogits('A', fakeA)), generatorLoss(imageLogits('B', fakeB))),
    ),
    // Encoded style codes should look like drawn ones.
    latentAdversarial: weighted(losses.latentAdversarial, () => {
      const count = A.mixedStyles.shape[0]!;
      const styles = concat([B.mixedStyles, A.mixedStyles], 0);
      const logits = latentDiscriminator.apply(discriminatorParams.D_L!, styles, 2);
      return add(generatorLoss([rows(logits, 0, count)]), generatorLoss([rows(logits, count, count)]));
    }),
    // All augmentations of one image should have one style code.
    styleConsistency: weighted(losses.styleConsistency.weight, () =>
      add(styleSpread(A.sameStyles), styleSpread(B.sameStyles)),
    ),
    // An image translated there and back should be itself again: in its pixels, and in LPIPS features.
    cycle: weighted(losses.cycle.weight, () =>
      add(
        cycleLoss(losses.cycle.form, cycleA.returned, batch.sameA),
        cycleLoss(losses.cycle.form, cycleB.returned, batch.sameB),
      ),
    ),
    lpips:
      perceptual &&
      weighted(losses.lpips.weight, () =>
        add(
          lpipsLoss(perceptual.lpips, perceptual.params, cycleA.returned, batch.sameA, policy),
          lpipsLoss(perceptual.lpips, perceptual.params, cycleB.returned, batch.sameB, policy),
        ),
      ),
    // A translation should encode to the style code that it was decoded with.
    styleReconstruction: weighted(losses.styleReconstruction, () =>
      add(
        styleReconstructionLoss(cycleA.recoveredStyle, styleA2B),
        styleReconstructionLoss(cycleB.recoveredStyle, styleB2A),
      ),
    ),
    // An image of the target domain should stay itself.
    identity: weighted(losses.identity, () =>
      add(identityLoss(cycleA.rebuilt!, batch.mixedA), identityLoss(cycleB.rebuilt!, batch.mixedB)),
    ),
  });
}
