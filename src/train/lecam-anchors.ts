// LeCam regularisation: the moving averages of the discriminators' logits.
import { z } from 'zod';
import type { TrainingConfig } from '../config/schema.js';
import { type Both, bothDomains } from '../gan/domains.js';
import { type Anchors, HEADS, meanLogitNames } from '../gan/lecam-anchors.js';
import type { TermValues } from './trainer.js';

const byHead = z.array(z.number()).length(HEADS.length);
const domainSchema = z.object({ real: byHead, fake: byHead });

/** The averages in a checkpoint. */
export const lecamAnchorsSchema = z.object({ A: domainSchema, B: domainSchema });

export type LecamAnchorsState = z.output<typeof lecamAnchorsSchema>;

/**
 * Averages the logits of real images and of translations over the steps, separately for each domain and head (Tseng et al.
 * 2021, "Regularizing Generative Adversarial Networks under Limited Data"). The first step sets the averages; a step is fed
 * those of the steps before it.
 */
export class LecamAnchors {
  private readonly training: TrainingConfig;
  private current: LecamAnchorsState | undefined;

  /** @param state the averages to continue from. */
  constructor(training: TrainingConfig, state?: LecamAnchorsState) {
    this.training = training;
    this.current = training.lecam.weight > 0 ? state : undefined;
  }

  /** The anchors of the next step; undefined before the first one, and if the config does without. */
  get anchors(): Both<Anchors> | undefined {
    return this.current;
  }

  /** The state for a checkpoint; undefined if there is none. */
  state(): LecamAnchorsState | undefined {
    return this.current;
  }

  /** Takes a step's mean logits into account. */
  observe(terms: TermValues): void {
    const { weight, decay } = this.training.lecam;
    if (weight === 0) return;
    const { current } = this;
    this.current = bothDomains((domain) => {
      const averages = (set: keyof Anchors): number[] =>
        meanLogitNames(set, domain).map((name, head) => {
          const value = terms[`signals/${name}`]!;
          const average = current?.[domain][set][head] ?? value;
          return average + (1 - decay) * (value - average);
        });
      return { real: averages('real'), fake: averages('fake') };
    });
  }
}
