// Opens the trainer that the config asks for.
import type { TrainStateValues } from '../gan/state.js';
import type { StepContext } from '../gan/step.js';
import { CapturedTrainer } from './captured-trainer.js';
import { EagerTrainer } from './eager-trainer.js';
import type { Trainer } from './trainer.js';

/** A captured trainer or an eager one, as `runtime.capture` of its config says. */
export function openTrainer(context: StepContext, initial: TrainStateValues): Trainer {
  const Kind = context.config.runtime.capture ? CapturedTrainer : EagerTrainer;
  return new Kind(context, initial);
}
