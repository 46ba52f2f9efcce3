// The anchors of LeCam regularisation: what a step is fed of the discriminators' earlier outputs, and what it tells of its own.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema.js';
import type { LossTerms } from '../losses/total.js';
import type { ImageLogits } from '../model/image-discriminator.js';
import { reshape } from '../ops/arithmetic.js';
import { kernels } from '../runtime/kernels.js';
import { type Both, bothDomains, type Domain } from './domains.js';

/** The heads of an image discriminator in the reference's order. */
export const HEADS = ['local', 'global', 'diversity'] as const satisfies readonly (keyof ImageLogits)[];
/** The two sets of images that anchors are averages over. */
export const ANCHOR_SETS = ['real', 'fake'] as const;

/** The moving averages of a discriminator's logits, a number for each head. */
export type Anchors = Record<(typeof ANCHOR_SETS)[number], number[]>;

/** Shape of a domain's anchors in a step; undefined if the config does without. */
export function anchorsShape({ training }: Config): number[] | undefined {
  return training.lecam.weight > 0 ? [ANCHOR_SETS.length, HEADS.length] : undefined;
}

/** The anchors as inputs of a step, if the config asks for them. @param anchors zeros by default, as in a first step. */
export function anchorInputs(config: Config, anchors?: Both<Anchors>): Both<{ anchors?: Float32Array }> {
  if (anchorsShape(config) === undefined) return bothDomains(() => ({}));
  return bothDomains((domain) => ({
    anchors: anchors
      ? Float32Array.from(ANCHOR_SETS.flatMap((set) => anchors[domain][set]))
      : new Float32Array(ANCHOR_SETS.length * HEADS.length),
  }));
}

/** Names of the signals with the mean logits of one set, in the order of the heads. */
export function meanLogitNames(set: (typeof ANCHOR_SETS)[number], domain: Domain): string[] {
  return HEADS.map((head) => `${head}${set === 'real' ? 'Real' : 'Fake'}${domain}`);
}

/** The mean logits of both sets by head, as signals: the moving averages follow them. */
export function meanLogits(
  logits: { real: readonly Tensor[]; fake: readonly Tensor[] },
  domain: Domain,
): LossTerms {
  const meanOf = (head: Tensor): Tensor => reshape(kernels().mean(head, [...head.shape.keys()], false), []);
  return Object.fromEntries(
    ANCHOR_SETS.flatMap((set) =>
      meanLogitNames(set, domain).map((name, head) => [name, meanOf(logits[set][head]!)] as const),
    ),
  );
}
