import type { DivergedError } from './divergence.js';
import type { TermValues } from './trainer.js';

/** What a run tells while it goes on. Steps are counted from 1: `step` of them are done. */
export type TrainEvent =
  | { type: 'start'; step: number; steps: number; parameters: { generators: number; discriminators: number } }
  | { type: 'step'; step: number; terms: TermValues; learningRate: number; seconds: number }
  /** Images with the averaged weights, and with the weights as trained where `log.sampleRaw` asks for them. */
  | { type: 'samples'; step: number; path: string; rawPath?: string }
  | { type: 'checkpoint'; step: number; dir: string }
  | { type: 'bad-file'; file: string; error: unknown }
  | { type: 'skipped-checkpoint'; dir: string; error: unknown }
  | { type: 'warning'; step: number; text: string }
  | { type: 'rollback'; from: number; to: number; rateScale: number; error: DivergedError }
  | { type: 'end'; step: number; interrupted: boolean };
