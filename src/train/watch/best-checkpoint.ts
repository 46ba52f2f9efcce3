// Chooses the best checkpoint of a run by a metric.
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import type { TermValues } from '../trainer.js';

export const bestStateSchema = z.object({
  /** The best checkpoint so far. */
  best: z.object({ metric: z.string(), step: z.int().nonnegative(), value: z.number() }).nullable(),
  /** Sum of the values since the previous checkpoint. */
  sum: z.number(),
  count: z.int().nonnegative(),
});

/** The state of the search in a checkpoint. */
export type BestState = z.output<typeof bestStateSchema>;

/** Terms of this prefix are figures of an evaluation, which measures the weights of its step. */
export const EVALUATION_PREFIX = 'evaluation/';

/**
 * Finds the best checkpoint by a metric: the mean of a term over the steps since the previous checkpoint, or the figure of an
 * evaluation at the checkpoint's own step. Checkpoints without an evaluation do not compete then.
 */
export class BestCheckpoint {
  private readonly rule: Config['checkpoint']['keepBest'];
  private readonly current: BestState;

  constructor(rule: Config['checkpoint']['keepBest'], state?: BestState) {
    this.rule = rule;
    this.current = structuredClone(state ?? { best: null, sum: 0, count: 0 });
    // A resumed run may ask for another metric.
    if (this.current.best?.metric !== rule?.metric) this.current.best = null;
  }

  /** Step of the best checkpoint so far. */
  get step(): number | undefined {
    return this.current.best?.step;
  }

  state(): BestState {
    return structuredClone(this.current);
  }

  /** Takes the terms of a step into account. */
  observe(terms: TermValues): void {
    const value = this.rule === null ? undefined : terms[this.rule.metric];
    if (this.isEvaluated) {
      this.current.sum = value ?? 0;
      this.current.count = value === undefined ? 0 : 1;
    } else if (value !== undefined) {
      this.current.sum += value;
      this.current.count++;
    }
  }

  private get isEvaluated(): boolean {
    return this.rule?.metric.startsWith(EVALUATION_PREFIX) === true;
  }

  /**
   * Closes the stretch of steps that ends with the checkpoint of this step.
   *
   * @returns false if the config asks for a term and it had no value in the stretch.
   */
  closeStretch(step: number): boolean {
    const { rule, current } = this;
    if (rule === null) return true;
    const { sum, count, best } = current;
    current.sum = 0;
    current.count = 0;
    if (count === 0) return this.isEvaluated;
    const value = sum / count;
    const isBetter = best === null || (rule.order === 'lowest' ? value < best.value : value > best.value);
    if (isBetter) current.best = { metric: rule.metric, step, value };
    return true;
  }
}
