import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { generatorLoss } from '../losses/adversarial.js';
import { cycleLoss } from '../losses/cycle.js';
import { identityLoss } from '../losses/identity.js';
import { lpipsLoss } from '../losses/lpips.js';
import { styleCosineDistance, styleVariance } from '../losses/style-consistency.js';
import { styleReconstructionLoss } from '../losses/style-reconstruction.js';
import { type LossTerms, namedTerms, weighted } from '../losses/total.js';
import type { Params } from '../model/parameters.js';
import { add } from '../ops/arithmetic.js';
import { concat, gatherRows, rows } from '../ops/shape.js';
import type { Lpips } from '../perceptual/lpips.js';
import { type AdaTransforms, augmentForDiscriminator } from './discriminator-augment.js';
import { heads } from './discriminator-step.js';
import { checkpointPolicyOf, type Networks } from './networks.js';

/** What goes into one training step. Pictures are `[n, size, size, 3]` in [-1, 1]. */
export interface StepBatch extends AdaTransforms {
  /** One picture of each domain, differently augmented over the batch. */
  sameA: Tensor;
  sameB: Tensor;
  /** Different pictures, augmented. */
  mixedA: Tensor;
  mixedB: Tensor;
  /** Drawn style codes for each direction: `[n, latentDim]`, normal. */
  drawnA2B: Tensor;
  drawnB2A: Tensor;
  /** Rows of concat(drawn, encoded) that become the styles to translate with: int32 `[n]`, from 0 to 2n - 1. */
  pickA2B: Tensor;
  pickB2A: Tensor;
  /** Orders of the encoded styles for the way back: int32 `[n]`. */
  orderA: Tensor;
  orderB: Tensor;
}

/** One direction of the first half of a step. */
interface Direction {
  /** Style codes of the same picture's augmentations. */
  ownStyles: Tensor;
  /** Style codes of the mixed pictures, which the other direction translates with. */
  encoded: Tensor;
  content: Tensor;
}

/** What both halves of a step share: the translations and the codes that they came from. */
export interface Translations {
  A: Direction;
  B: Direction;
  /** Styles translated with. */
  styleA2B: Tensor;
  styleB2A: Tensor;
  fakeA: Tensor;
  fakeB: Tensor;
}

/** Encodes both domains and translates both ways, with styles picked from drawn and encoded ones. */
export function translateBatch(
  networks: Networks,
  params: Record<string, Params>,
  batch: StepBatch,
): Translations {
  const { generator } = networks;
  // One pass through the stem for both sets of pictures; only the first needs its content.
  const encode = (name: 'G_A2B' | 'G_B2A', same: Tensor, mixed: Tensor): Direction => {
    const network = params[name]!;
    const count = same.shape[0]!;
    const features = generator.stem(network, concat([same, mixed], 0));
    const styles = generator.styleHead(network, features);
    return {
      ownStyles: rows(styles, 0, count),
      encoded: rows(styles, count, count),
      content: generator.contentHead(network, rows(features, 0, count)),
    };
  };
  const A = encode('G_A2B', batch.sameA, batch.mixedA);
  const B = encode('G_B2A', batch.sameB, batch.mixedB);
  const styleA2B = gatherRows(concat([batch.drawnA2B, B.encoded], 0), batch.pickA2B);
  const styleB2A = gatherRows(concat([batch.drawnB2A, A.encoded], 0), batch.pickB2A);
  return {
    A,
    B,
    styleA2B,
    styleB2A,
    fakeB: generator.decode(params.G_A2B!, A.content, styleA2B),
    fakeA: generator.decode(params.G_B2A!, B.content, styleB2A),
  };
}

/** A translation on its way back, and where the config asks for it the target domain's pictures through the same pass. */
function translateBack(
  networks: Networks,
  network: Params,
  { fake, style, mixed }: { fake: Tensor; style: Tensor; mixed?: Tensor },
) {
  const { generator } = networks;
  const count = fake.shape[0]!;
  const code = generator.encode(network, mixed === undefined ? fake : concat([fake, mixed], 0));
  const styles = mixed === undefined ? style : concat([style, rows(code.style, count, count)], 0);
  const pictures = generator.decode(network, code.content, styles);
  return {
    returned: rows(pictures, 0, count),
    foundStyle: rows(code.style, 0, count),
    rebuilt: mixed === undefined ? undefined : rows(pictures, count, count),
  };
}

/** What the generators' loss needs beside the batch. */
export interface GeneratorLossInputs {
  config: Config;
  networks: Networks;
  /** Effective generator weights. */
  params: Record<string, Params>;
  /** Effective discriminator weights, already updated in this step; constant here. */
  judges: Record<string, Params>;
  /** Where the LPIPS weight is not 0. */
  perceptual?: { lpips: Lpips; params: Params };
}

/** The weighted terms of the generators' loss. */
export function generatorTerms(inputs: GeneratorLossInputs, batch: StepBatch, made: Translations): LossTerms {
  const { config, networks, params, judges, perceptual } = inputs;
  const { losses } = config;
  const { imageDiscriminator, latentDiscriminator } = networks;
  const policy = checkpointPolicyOf(config.runtime);
  const withIdentity = losses.identity > 0;
  const backA = translateBack(networks, params.G_B2A!, {
    fake: made.fakeB,
    style: gatherRows(made.A.ownStyles, batch.orderA),
    ...(withIdentity && { mixed: batch.mixedA }),
  });
  const backB = translateBack(networks, params.G_A2B!, {
    fake: made.fakeA,
    style: gatherRows(made.B.ownStyles, batch.orderB),
    ...(withIdentity && { mixed: batch.mixedB }),
  });
  const { form, weight: consistency } = losses.styleConsistency;
  const spread = form === 'variance' ? styleVariance : styleCosineDistance;
  return namedTerms({
    adversarial: weighted(losses.adversarial, () =>
      add(
        generatorLoss(
          heads(
            imageDiscriminator.apply(judges.D_A!, augmentForDiscriminator(made.fakeA, batch, 'generatedA')),
          ),
        ),
        generatorLoss(
          heads(
            imageDiscriminator.apply(judges.D_B!, augmentForDiscriminator(made.fakeB, batch, 'generatedB')),
          ),
        ),
      ),
    ),
    latentAdversarial: weighted(losses.latentAdversarial, () => {
      const count = made.A.encoded.shape[0]!;
      const logits = latentDiscriminator.apply(judges.D_L!, concat([made.B.encoded, made.A.encoded], 0), 2);
      return add(generatorLoss([rows(logits, 0, count)]), generatorLoss([rows(logits, count, count)]));
    }),
    styleConsistency: weighted(consistency, () => add(spread(made.A.ownStyles), spread(made.B.ownStyles))),
    cycle: weighted(losses.cycle.weight, () =>
      add(
        cycleLoss(losses.cycle.form, backA.returned, batch.sameA),
        cycleLoss(losses.cycle.form, backB.returned, batch.sameB),
      ),
    ),
    lpips:
      perceptual &&
      weighted(losses.lpips.weight, () =>
        add(
          lpipsLoss(perceptual.lpips, perceptual.params, backA.returned, batch.sameA, policy),
          lpipsLoss(perceptual.lpips, perceptual.params, backB.returned, batch.sameB, policy),
        ),
      ),
    styleReconstruction: weighted(losses.styleReconstruction, () =>
      add(
        styleReconstructionLoss(backA.foundStyle, made.styleA2B),
        styleReconstructionLoss(backB.foundStyle, made.styleB2A),
      ),
    ),
    identity: weighted(losses.identity, () =>
      add(identityLoss(backA.rebuilt!, batch.mixedA), identityLoss(backB.rebuilt!, batch.mixedB)),
    ),
  });
}
