// Progress of work that goes through stages: one display for each, one after the other.
import { type Progress, type ProgressOptions, startProgress } from './output.js';

/** Shows the stage that is under way. */
export interface Stages {
  /** Reports how much of a stage is done; another label than before starts a new display. */
  update(stage: ProgressOptions, done: number): void;
  /** Ends the display, if there is one. */
  close(): void;
}

/** Starts to show stages. */
export function startStages(): Stages {
  let current: { label: string; progress: Progress } | undefined;
  const close = (): void => {
    current?.progress.finish();
    current = undefined;
  };
  return {
    close,
    update(stage, done) {
      if (current?.label !== stage.label) {
        close();
        current = { label: stage.label, progress: startProgress(stage) };
      }
      current.progress.update(done);
    },
  };
}
