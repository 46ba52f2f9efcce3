// The events that a run yields.
import type { DivergedError } from './divergence.js';
import type { TermValues } from './trainer.js';

/** An event of a run. Steps are counted from 1: `step` is the number of steps done. */
export type TrainEvent =
  /** A run begins or goes on, or one of its stages begins, which ends after `until` steps of `steps`. Sizes are in px. */
  | {
      type: 'start';
      step: number;
      until: number;
      steps: number;
      size: number;
      /** The size before, if the networks have grown. */
      grownFrom?: number;
      parameters: { generators: number; discriminators: number };
    }
  | { type: 'step'; step: number; terms: TermValues; learningRate: number; seconds: number }
  /** Sample grids with the EMA weights, and with the raw weights if `log.sampleRaw` is set. */
  | { type: 'samples'; step: number; path: string; rawPath?: string }
  | { type: 'checkpoint'; step: number; dir: string }
  | { type: 'bad-file'; file: string; error: unknown }
  | { type: 'skipped-checkpoint'; dir: string; error: unknown }
  | { type: 'warning'; step: number; text: string }
  | { type: 'rollback'; from: number; to: number; rateScale: number; error: DivergedError }
  | { type: 'end'; step: number; interrupted: boolean };
