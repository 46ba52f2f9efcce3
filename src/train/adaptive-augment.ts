// Adaptive discriminator augmentation: the controller of the probability of its transforms.
import { z } from 'zod';
import type { TrainingConfig } from '../config/schema.js';
import type { AugmentProbabilities } from '../gan/discriminator-augment.js';
import { bothDomains } from '../gan/domains.js';
import { isInitialization } from '../optim/schedule.js';
import type { TermValues } from './trainer.js';

const domainSchema = z.object({
  /** Probability of every transform. */
  probability: z.number().min(0).max(1),
  /** Sum of r_t over the steps since the last adjustment. */
  signSum: z.number(),
});

/** The controller's state in a checkpoint. */
export const adaptiveAugmentSchema = z.object({
  /** Steps since the last adjustment. */
  steps: z.int().nonnegative(),
  A: domainSchema,
  B: domainSchema,
});

export type AdaptiveAugmentState = z.output<typeof adaptiveAugmentSchema>;

/**
 * Controls the probability p with which images are transformed before the image discriminators see them, separately for
 * each domain (Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 3.1): every few
 * steps p rises if r_t, the mean sign of real logits, was above its target, and falls if it was below.
 */
export class AdaptiveAugment {
  private readonly training: TrainingConfig;
  private current: AdaptiveAugmentState;

  /**
   * @param state the state to continue from; by default the config's initial probability.
   * @param ranks number of processes, each of which shows the discriminators a batch in every step.
   */
  constructor(
    training: TrainingConfig,
    state?: AdaptiveAugmentState,
    private readonly ranks = 1,
  ) {
    const { initial } = training.adaptiveAugment;
    const start = () => ({ probability: initial, signSum: 0 });
    this.training = training;
    this.current = state ?? { steps: 0, ...bothDomains(start) };
  }

  /** The probabilities of the next step. */
  get probabilities(): AugmentProbabilities {
    return bothDomains((domain) => this.current[domain].probability);
  }

  /** The state for a checkpoint; undefined if the config does not enable adaptive augmentation. */
  state(): AdaptiveAugmentState | undefined {
    return this.training.adaptiveAugment.enabled ? this.current : undefined;
  }

  /**
   * Takes a step's terms into account; in the initialization phase p stays: discriminators win there without having memorised.
   *
   * @param step counted from 0.
   * @returns the terms with the probabilities that the step had.
   */
  observe(terms: TermValues, step: number): TermValues {
    if (!this.training.adaptiveAugment.enabled) return terms;
    const { A, B } = this.probabilities;
    const withProbabilities = { ...terms, 'signals/augmentA': A, 'signals/augmentB': B };
    if (isInitialization(step, this.training)) return withProbabilities;
    const steps = this.current.steps + 1;
    const isDue = steps >= this.training.adaptiveAugment.everySteps;
    const next = bothDomains((domain) => {
      const { probability, signSum } = this.current[domain];
      const sum = signSum + terms[`signals/realSign${domain}`]!;
      return isDue
        ? { probability: this.adjusted(probability, sum / steps, steps), signSum: 0 }
        : { probability, signSum: sum };
    });
    this.current = { steps: isDue ? 0 : steps, ...next };
    return withProbabilities;
  }

  private adjusted(probability: number, realSign: number, steps: number): number {
    const { batch, adaptiveAugment } = this.training;
    const { target, speedImages, limit } = adaptiveAugment;
    const moved = probability + (Math.sign(realSign - target) * batch * this.ranks * steps) / speedImages;
    return Math.min(Math.max(moved, 0), limit);
  }
}
