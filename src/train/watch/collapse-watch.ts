// Warns when discriminators overfit or styles collapse, which the losses do not show.
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { DOMAINS, type Domain } from '../../gan/domains.js';
import type { TermValues } from '../trainer.js';

/** Decay per step of the averaged signs, which span about a hundred steps. */
const SIGN_DECAY = 0.99;
/** A warning is repeated only after its signal was better than the limit by this much (signs) or this fraction (diversity). */
const RELIEF = 0.1;
/** Styles have faded if their diversity is below this fraction of the highest of the run. */
const FADED = 0.3;

export const watchStateSchema = z.object({
  /** Averaged mean signs of the logits of real images; null before the first step. */
  realSign: z.object({ A: z.number().nullable(), B: z.number().nullable() }),
  /** The highest style diversity so far. */
  highestDiversity: z.number(),
  /** The warnings that were given and whose cause persists. */
  holding: z.array(z.string()),
});

/** The watch's state in a checkpoint. */
export type WatchState = z.output<typeof watchStateSchema>;

/**
 * Warns when training is about to fail in the two ways that losses do not show: discriminators that have memorised the
 * training set, and styles that all look alike. Each warning comes once, and again only after the signal had improved.
 */
export class CollapseWatch {
  private readonly config: Config['watch'];
  private readonly firstStep: number;
  private readonly current: WatchState;

  constructor({ watch, training }: Pick<Config, 'watch' | 'training'>, state?: WatchState) {
    this.config = watch;
    this.firstStep = watch.fromStep + training.initialization.steps;
    this.current = structuredClone(
      state ?? { realSign: { A: null, B: null }, highestDiversity: 0, holding: [] },
    );
  }

  state(): WatchState {
    return structuredClone(this.current);
  }

  /**
   * Looks at the signals of a step, counted from 1.
   *
   * @param terms with `signals/realSignA` and `B`, and `signals/styleDiversity` if it was measured.
   * @returns warnings, each with its likely cause and a remedy.
   */
  observe(step: number, terms: TermValues): string[] {
    const { realSignLimit, minDiversity } = this.config;
    const warnings: string[] = [];
    const check = (
      kind: string,
      { isBad, isGood }: { isBad: boolean; isGood: boolean },
      text: () => string,
    ) => {
      const { holding } = this.current;
      if (isGood) this.current.holding = holding.filter((warning) => warning !== kind);
      if (!isBad || step < this.firstStep || holding.includes(kind)) return;
      holding.push(kind);
      warnings.push(text());
    };
    for (const domain of DOMAINS) {
      const sign = this.averageSign(domain, terms[`signals/realSign${domain}`]);
      if (sign === undefined) continue;
      const state = { isBad: sign > realSignLimit, isGood: sign < realSignLimit - RELIEF };
      check(`realSign${domain}`, state, () => overfitWarning(domain, sign, step));
    }
    const diversity = terms['signals/styleDiversity'];
    if (diversity === undefined) return warnings;
    const { highestDiversity } = this.current;
    this.current.highestDiversity = Math.max(highestDiversity, diversity);
    const limit = Math.max(minDiversity, FADED * highestDiversity);
    const state = { isBad: diversity < limit, isGood: diversity > limit * (1 + RELIEF) };
    check('styleDiversity', state, () => fadedWarning(diversity, highestDiversity, step));
    return warnings;
  }

  private averageSign(domain: Domain, sign: number | undefined): number | undefined {
    if (sign === undefined) return undefined;
    const before = this.current.realSign[domain];
    const average = before === null ? sign : SIGN_DECAY * before + (1 - SIGN_DECAY) * sign;
    this.current.realSign[domain] = average;
    return average;
  }
}

function overfitWarning(domain: Domain, sign: number, step: number): string {
  const known = Math.round(50 * (1 + sign));
  return (
    `step ${step}: the discriminator D_${domain} calls ${known} % of the real images real (mean sign of its logits ` +
    `${sign.toFixed(2)}): it has memorised train${domain}, or the generator has fallen behind. ` +
    'Try more images, training.adaptiveAugment or a larger training.r1Weight'
  );
}

function fadedWarning(diversity: number, highest: number, step: number): string {
  const before = highest > diversity ? `, and was ${highest.toFixed(2)}` : '';
  return (
    `step ${step}: styles hardly change the images (they differ by ${diversity.toFixed(2)} of what real images of domain B ` +
    `differ by${before}): the styles collapse into one. Go back to an earlier checkpoint and try a smaller ` +
    'training.learningRate or a larger training.r1Weight'
  );
}
