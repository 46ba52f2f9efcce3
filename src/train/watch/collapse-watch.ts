import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import type { TermValues } from '../trainer.js';

/** Decay per step of the averaged signs: about the last hundred steps count. */
const SIGN_DECAY = 0.99;
/** A warning comes again only after what it warned of had been better by this part. */
const RELIEF = 0.1;
/** Styles have faded where their diversity is below this part of the highest that the run had. */
const FADED = 0.3;

export const watchStateSchema = z.object({
  /** Averaged mean signs of the logits of real images; null before the first step. */
  realSign: z.object({ A: z.number().nullable(), B: z.number().nullable() }),
  /** The highest style diversity so far. */
  highestDiversity: z.number(),
  /** The warnings that hold. */
  holding: z.array(z.string()),
});

/** What a checkpoint keeps of the watch. */
export type WatchState = z.output<typeof watchStateSchema>;

const DOMAINS = ['A', 'B'] as const;

/**
 * Tells when a training is about to fail in the two ways that its losses do not show: discriminators that know the training
 * set by heart, and styles that all look alike. Each is told once, and again only after it had got better.
 */
export class CollapseWatch {
  private readonly config: Config['watch'];
  private readonly current: WatchState;

  constructor(config: Config['watch'], state?: WatchState) {
    this.config = config;
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
   * @param terms with `signals/realSignA` and `B`, and `signals/styleDiversity` where it was measured.
   * @returns warnings, each with the likely cause and what helps.
   */
  observe(step: number, terms: TermValues): string[] {
    const { realSignLimit, minDiversity, fromStep } = this.config;
    const warnings: string[] = [];
    const judge = (
      kind: string,
      { isBad, isGood }: { isBad: boolean; isGood: boolean },
      text: () => string,
    ) => {
      const { holding } = this.current;
      if (isGood) this.current.holding = holding.filter((other) => other !== kind);
      if (!isBad || step < fromStep || holding.includes(kind)) return;
      holding.push(kind);
      warnings.push(text());
    };
    for (const domain of DOMAINS) {
      const sign = this.averageSign(domain, terms[`signals/realSign${domain}`]);
      if (sign === undefined) continue;
      const state = { isBad: sign > realSignLimit, isGood: sign < realSignLimit - RELIEF };
      judge(`realSign${domain}`, state, () => overfitWarning(domain, sign, step));
    }
    const diversity = terms['signals/styleDiversity'];
    if (diversity === undefined) return warnings;
    const { highestDiversity } = this.current;
    this.current.highestDiversity = Math.max(highestDiversity, diversity);
    const least = Math.max(minDiversity, FADED * highestDiversity);
    const state = { isBad: diversity < least, isGood: diversity > least * (1 + RELIEF) };
    judge('styleDiversity', state, () => fadedWarning(diversity, highestDiversity, step));
    return warnings;
  }

  private averageSign(domain: 'A' | 'B', sign: number | undefined): number | undefined {
    if (sign === undefined) return undefined;
    const before = this.current.realSign[domain];
    const average = before === null ? sign : SIGN_DECAY * before + (1 - SIGN_DECAY) * sign;
    this.current.realSign[domain] = average;
    return average;
  }
}

function overfitWarning(domain: 'A' | 'B', sign: number, step: number): string {
  const known = Math.round(50 * (1 + sign));
  return (
    `step ${step}: the discriminator D_${domain} calls ${known} % of the real images real (mean sign of its logits ` +
    `${sign.toFixed(2)}): it has learnt train${domain} by heart, or the generator has fallen behind. ` +
    'What helps: more images, training.adaptiveAugment, a larger training.r1Weight'
  );
}

function fadedWarning(diversity: number, highest: number, step: number): string {
  const before = highest > diversity ? `, and was ${highest.toFixed(2)}` : '';
  return (
    `step ${step}: styles hardly change the images (they differ by ${diversity.toFixed(2)} of what real images of domain B ` +
    `differ by${before}): the styles collapse into one. What helps: go back to an earlier checkpoint, a smaller ` +
    'training.learningRate, a larger training.r1Weight'
  );
}
