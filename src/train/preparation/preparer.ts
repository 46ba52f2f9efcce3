// Prepares the images of the coming steps: in worker threads, or in the main thread between other work.
import { setImmediate } from 'node:timers/promises';
import { RunError } from '../../base/errors.js';
import { availableProcessors } from '../../base/processors.js';
import { type DomainImages, type DomainTask, preparing } from './domain-images.js';
import { WorkerPool } from './worker-pool.js';

/** Prepares tasks in their order; the result depends only on the task. */
export interface Preparer {
  /** May transfer the task's bytes. @throws RangeError as `preparing`; RunError if it is closed or a worker has ended. */
  prepare(task: DomainTask): Promise<DomainImages>;
  /** Cancels unfinished tasks and waits until all threads have ended. */
  close(): Promise<void>;
}

/** More workers would be idle: with this many, images are ready before the step needs them. */
const MAX_WORKERS = 4;

/** Default number of worker threads (`data.workers` null): leaves one processor to the main thread. */
export function defaultWorkers(processors: number = availableProcessors()): number {
  return Math.min(MAX_WORKERS, Math.max(1, processors - 1));
}

/**
 * Opens the preparer that `data.workers` asks for.
 *
 * @param workers number of threads; 0 for the main thread, null for `defaultWorkers`.
 * @param processors number of processors to use; all by default.
 */
export function openPreparer(workers: number | null, processors?: number): Preparer {
  const count = workers ?? defaultWorkers(processors);
  // Node cannot load a worker from the sources (.ts), which tests run.
  if (count === 0 || import.meta.url.endsWith('.ts')) return new MainThread();
  return new WorkerPool(count, new URL('./worker.js', import.meta.url));
}

/** Prepares in the main thread, and lets signals, timers and reading run between two images. */
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
