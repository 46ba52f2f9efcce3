// Who prepares the images of the coming steps: worker threads, or the main thread between other work.
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { RunError } from '../../base/errors.js';
import { type DomainImages, type DomainTask, preparing } from './domain-images.js';
import { WorkerPool } from './worker-pool.js';

/** Prepares tasks in the order in which they come; what comes out depends on the task alone. */
export interface Preparer {
  /** The task's bytes may be taken away. @throws RangeError as `preparing`, RunError where it is closed or a worker has ended. */
  prepare(task: DomainTask): Promise<DomainImages>;
  /** Gives up what is not done, and waits until no thread is left. */
  close(): Promise<void>;
}

/** More workers than this have nothing to do: a step is waited for by then. */
const MAX_WORKERS = 4;

/** Worker threads where the config leaves them open (`data.workers` null): a processor is left to the main thread. */
export function defaultWorkers(processors = availableParallelism()): number {
  return Math.min(MAX_WORKERS, Math.max(1, processors - 1));
}

/**
 * Opens what `data.workers` asks for.
 *
 * @param workers number of threads; 0 for the main thread, null for `defaultWorkers`.
 */
export function openPreparer(workers: number | null): Preparer {
  const count = workers ?? defaultWorkers();
  // Only the sources (.ts), which tests run, have no worker's program beside them: Node cannot load one from them.
  if (count === 0 || import.meta.url.endsWith('.ts')) return new MainThread();
  return new WorkerPool(count, new URL('./worker.js', import.meta.url));
}

/** Prepares in the main thread, an image at a time, so that signals, timers and reading get their turn between two. */
export class MainThread implements Preparer {
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  prepare(task: DomainTask): Promise<DomainImages> {
    const result = this.last.then(() => this.run(task));
    this.last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.last;
  }

  private async run(task: DomainTask): Promise<DomainImages> {
    const work = preparing(task);
    for (;;) {
      if (this.isClosed) throw new RunError('The preparation of images is closed.');
      const { done, value } = work.next();
      if (done === true) return value;
      await setImmediate();
    }
  }
}
