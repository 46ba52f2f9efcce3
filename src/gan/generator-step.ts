// The generators' half of a step (GANs N' Roses, section 3; the reference's train.py, the G loss): encodes images into content
// and style codes, translates both ways and back, and computes every term of the generators' loss.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import { relativeLogits } from '../losses/adversarial.js';
import { chosenLosses } from '../losses/chosen.js';
import type { LossInputs } from '../losses/loss.js';
import type { LossTerms } from '../losses/total.js';
import type { Params } from '../model/parameters.js';
import { scale, scaleBy } from '../ops/arithmetic.js';
import { unrecorded } from '../ops/autodiff.js';
import { concat, gatherRows, rows } from '../ops/shape.js';
import { type Lpips, lpipsDistances } from '../perceptual/lpips.js';
import type { DomainBatch, StepBatch } from './batch.js';
import { augmentForDiscriminator, type DiscriminatorSet } from './discriminator-augment.js';
import { heads } from './discriminator-step.js';
import {
  type Both,
  bothDomains,
  DOMAINS,
  type Domain,
  GENERATOR_FROM,
  OTHER,
  oncePerDomain,
  sumOfBoth,
} from './domains.js';
import { checkpointPolicyOf, type Networks } from './networks.js';
import { partners, realign } from './pairs.js';
import type { StepScalars } from './step-scalars.js';

/** The codes of the images of one domain. */
interface DomainCodes {
  /** Content codes of the augmentations of one image, `[n, c, c, channels]`. */
  content: Tensor;
  /** Style codes of the same augmentations, `[n, latentDim]`; style consistency makes them one. */
  sameStyles: Tensor;
  /** Style codes of the different images, `[n, latentDim]`; translations into this domain use them. */
  mixedStyles: Tensor;
}

/** The codes of the images of one domain, and their translations; both halves of the step use them. */
export interface Translation extends DomainCodes {
  /** The style codes that the images are translated with, `[n, latentDim]`. */
  style: Tensor;
  /** The translations into the other domain, `[n, size, size, 3]`. */
  translated: Tensor;
}

/** Encodes both domains and translates both ways, with styles picked from drawn and encoded ones. */
export function translateBatch(
  { generator }: Networks,
  params: Record<string, Params>,
  batch: StepBatch,
): Both<Translation> {
  // One pass through the stem for both sets of images; only the first needs its content.
  const encode = (network: Params, { same, mixed }: DomainBatch): DomainCodes => {
    const count = same.shape[0]!;
    const features = generator.stem(network, concat([same, mixed], 0));
    const styles = generator.styleHead(network, features);
    return {
      sameStyles: rows(styles, 0, count),
      mixedStyles: rows(styles, count, count),
      content: generator.contentHead(network, rows(features, 0, count)),
    };
  };
  const networks = bothDomains((domain) => params[GENERATOR_FROM[domain]]!);
  const codes = bothDomains((domain) => encode(networks[domain], batch[domain]));
  const styles = bothDomains((domain) => {
    const { drawn, pick } = batch[domain];
    return gatherRows(concat([drawn, codes[OTHER[domain]].mixedStyles], 0), pick);
  });
  return bothDomains((domain) => ({
    ...codes[domain],
    style: styles[domain],
    translated: generator.decode(networks[domain], codes[domain].content, styles[domain]),
  }));
}

/** A domain's images after the way there and back. */
interface Cycle {
  /** The original images again, `[n, size, size, 3]`. */
  returned: Tensor;
  /** The style codes that the translations encode to, `[n, latentDim]`. */
  recoveredStyle: Tensor;
  /** The domain's images, encoded and decoded with their own styles; only with `mixed`. */
  rebuilt: Tensor | undefined;
}

/**
 * Translates translations back, each with a style of its original domain.
 *
 * @param batch.mixed images of the domain that `network` translates into; they share the pass, to be rebuilt.
 */
function translateBack(
  { generator }: Networks,
  network: Params,
  batch: { translated: Tensor; style: Tensor; mixed?: Tensor },
): Cycle {
  const { translated, style, mixed } = batch;
  const count = translated.shape[0]!;
  const code = generator.encode(network, mixed === undefined ? translated : concat([translated, mixed], 0));
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
  scalars: StepScalars;
  /** LPIPS; without it, losses that are computed from it are left out. */
  perceptual?: { lpips: Lpips; params: Params };
}

/** The weighted terms of the generators' loss; a term of weight 0 is absent and not computed. */
export function generatorTerms(
  inputs: GeneratorLossInputs,
  batch: StepBatch,
  translations: Both<Translation>,
): LossTerms {
  const { config, scalars, perceptual } = inputs;
  const chosen = chosenLosses(config.losses).filter(
    (loss) => perceptual !== undefined || !loss.inputs.includes('lpips'),
  );
  const lossInputs = lossInputsOf(inputs, batch, translations, {
    withRebuilt: chosen.some((loss) => loss.inputs.includes('rebuilt')),
  });
  return Object.fromEntries(
    chosen.map(({ name, weight, term }) => {
      const unweighted = sumOfBoth((domain) => term(lossInputs[domain]));
      const weighted = scale(unweighted, weight);
      const factor = scalars[`losses/${name}`];
      return [name, factor === undefined ? weighted : scaleBy(weighted, factor)];
    }),
  );
}

/**
 * What the losses are computed from. Logits are computed when a loss first reads them.
 *
 * @param options.withRebuilt whether a loss reads `rebuilt`, which goes through the generators together with the way back.
 */
function lossInputsOf(
  { config, networks, generatorParams, discriminatorParams, perceptual }: GeneratorLossInputs,
  batch: StepBatch,
  translations: Both<Translation>,
  { withRebuilt }: { withRebuilt: boolean },
): Both<LossInputs> {
  const { generator, imageDiscriminator, latentDiscriminator } = networks;
  // A to B and back to A, then B to A and back to B, in the styles of the originals.
  const cycles = bothDomains((domain) => {
    const { sameStyles, translated } = translations[domain];
    const { mixed, order } = batch[domain];
    const style = gatherRows(sameStyles, order);
    return translateBack(networks, generatorParams[GENERATOR_FROM[OTHER[domain]]]!, {
      translated,
      style,
      ...(withRebuilt && { mixed }),
    });
  });
  const imageLogits = (domain: Domain, images: Tensor, set: DiscriminatorSet): Tensor[] => {
    const seen = augmentForDiscriminator(images, batch[domain], set);
    return heads(imageDiscriminator.apply(discriminatorParams[`D_${domain}`]!, seen));
  };
  const fakeLogits = oncePerDomain((domain) => {
    const fake = imageLogits(domain, translations[OTHER[domain]].translated, 'generated');
    if (config.training.adversarialForm === 'logistic') return fake;
    // Logits of real images are constants to the generators; a pass of their own needs no gradients.
    return relativeLogits(fake, imageLogits(domain, batch[domain].mixed, 'real'));
  });
  const restyled = oncePerDomain((domain) => {
    const { content, style } = translations[domain];
    // The styles of a batch are distinct rows of one list, so that a row's partner has another style.
    return unrecorded(() =>
      generator.decode(generatorParams[GENERATOR_FROM[domain]]!, content, partners(style)),
    );
  });
  const realigned = oncePerDomain((domain) => {
    const { places, overlap } = batch[domain];
    return { images: unrecorded(() => realign(restyled(domain), places!)), overlap: overlap! };
  });
  // One pass for the style codes of both domains.
  let joinedLogits: Tensor | undefined;
  const styleLogits = oncePerDomain((domain) => {
    const styles = DOMAINS.map((one) => translations[OTHER[one]].mixedStyles);
    joinedLogits ??= latentDiscriminator.apply(discriminatorParams.D_L!, concat(styles, 0), styles.length);
    const count = styles[0]!.shape[0]!;
    return [rows(joinedLogits, DOMAINS.indexOf(domain) * count, count)];
  });
  return bothDomains((domain) => ({
    ...translations[domain],
    same: batch[domain].same,
    mixed: batch[domain].mixed,
    real: batch[OTHER[domain]].mixed,
    returned: cycles[domain].returned,
    recoveredStyle: cycles[domain].recoveredStyle,
    get rebuilt() {
      return cycles[domain].rebuilt!;
    },
    get restyled() {
      return restyled(domain);
    },
    get realigned() {
      return realigned(domain);
    },
    get fakeLogits() {
      return fakeLogits(domain);
    },
    get styleLogits() {
      return styleLogits(domain);
    },
    statistics: networks.statistics,
    get lpips() {
      return lpipsDistances(perceptual!.lpips, perceptual!.params, checkpointPolicyOf(config.runtime));
    },
  }));
}
