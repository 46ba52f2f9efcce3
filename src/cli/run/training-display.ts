// Shows the events of training on the terminal.

import { messageOf } from '../../base/errors.js';
import { shownPath } from '../../base/file-names.js';
import { formatBytes } from '../../base/format-bytes.js';
import { memoryUse } from '../../runtime/memory.js';
import type { TrainEvent } from '../../train/events.js';
import { type Progress, printError, printLine, startProgress } from '../output.js';

/** @returns the sums of the losses and the memory in use, for the progress line; a narrow terminal cuts its end. */
function stepNote({ terms }: Extract<TrainEvent, { type: 'step' }>): string {
  const sum = (side: string) =>
    Object.entries(terms)
      .filter(([name]) => name.startsWith(side))
      .reduce((total, [, value]) => total + value, 0);
  const { rssBytes, gpuBytes } = memoryUse();
  const memory = gpuBytes === undefined ? formatBytes(rssBytes) : `${formatBytes(gpuBytes)} on the GPU`;
  return `loss G ${sum('generators').toFixed(2)}, D ${sum('discriminators').toFixed(2)}, ${memory}`;
}

/** @returns what begins, and at which size if the run grows. */
function startText({
  step,
  until,
  steps,
  size,
  grownFrom,
  parameters,
}: Extract<TrainEvent, { type: 'start' }>): string {
  const { generators, discriminators } = parameters;
  const grown = grownFrom === undefined ? '' : `Grown from ${grownFrom} to ${size} px. `;
  const ends = until < steps ? `to step ${until} of ${steps} at ${size} px` : `to step ${steps}`;
  return (
    `${grown}Training ${step > 0 ? `from step ${step} ` : ''}${ends}: ` +
    `${million(generators)} generator and ${million(discriminators)} discriminator parameters.`
  );
}

/** @returns a count in millions, as text. */
export const million = (count: number): string => `${(count / 1e6).toFixed(2)} million`;

/** Shows a run's events on the terminal: steps as progress, the rest as lines. */
export class TrainingDisplay {
  /** Whether the run ended before its last step. */
  interrupted = false;
  private progress: Progress | undefined;
  private firstStep = 0;

  show(event: TrainEvent): void {
    switch (event.type) {
      case 'start':
        this.close();
        printLine(startText(event));
        this.firstStep = event.step;
        this.progress = startProgress({
          label: event.until < event.steps || event.grownFrom ? `training at ${event.size} px` : 'training',
          total: event.until - event.step,
          unit: 'steps',
        });
        break;
      case 'step':
        this.progress?.update(event.step - this.firstStep, stepNote(event));
        break;
      case 'samples':
        printLine(`Samples of step ${event.step}: ${event.path}`);
        break;
      case 'checkpoint':
        printLine(`Checkpoint of step ${event.step}: ${event.dir}`);
        break;
      case 'bad-file':
        printError(`gnr: skipped ${shownPath(event.file)}: ${messageOf(event.error)}`);
        break;
      case 'skipped-checkpoint':
        printError(`gnr: skipped the damaged checkpoint ${event.dir}: ${messageOf(event.error)}`);
        break;
      case 'warning':
        printError(`gnr: warning: ${event.text}`);
        break;
      case 'rollback':
        this.close();
        printError(
          `gnr: ${event.error.what} after step ${event.from}: rolled back to step ${event.to}, with ${event.rateScale} of the learning rate`,
        );
        break;
      case 'end':
        this.interrupted = event.interrupted;
        this.close();
        break;
    }
  }

  close(): void {
    this.progress?.finish();
    this.progress = undefined;
  }
}
