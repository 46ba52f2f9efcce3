// Worker threads that prepare images beside the main thread.
import { Worker } from 'node:worker_threads';
import { messageOf, RunError } from '../../base/errors.js';
import type { DomainImages, DomainTask } from './domain-images.js';
import type { Preparer } from './preparer.js';
import type { Answer } from './worker.js';

interface Waiting {
  resolve(images: DomainImages): void;
  reject(error: unknown): void;
}

interface Thread {
  worker: Worker;
  /** Tasks that it has not answered; it answers in turn. */
  waiting: Waiting[];
}

/**
 * Worker threads, started as there is work for them. Where one ends by itself, everything fails from then on, with one error.
 * Idle threads do not keep the process alive.
 */
export class WorkerPool implements Preparer {
  private readonly threads: Thread[] = [];
  private failure: RunError | undefined;

  /** @param size the most threads there are. @param program what they run: the built `worker.js`. */
  constructor(
    private readonly size: number,
    private readonly program: URL,
  ) {}

  prepare(task: DomainTask): Promise<DomainImages> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const thread = this.minBusy();
    return new Promise((resolve, reject) => {
      thread.waiting.push({ resolve, reject });
      thread.worker.ref();
      thread.worker.postMessage(task, [task.images.buffer]);
    });
  }

  async close(): Promise<void> {
    this.fail(new RunError('The preparation of images is closed.'));
    // A thread that is being ended keeps the process until it has.
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }

  private minBusy(): Thread {
    const [least] = this.threads.toSorted((a, b) => a.waiting.length - b.waiting.length);
    if (least !== undefined && (least.waiting.length === 0 || this.threads.length === this.size))
      return least;
    return this.start();
  }

  private start(): Thread {
    // Flags of the process (such as modules to load first) are none of its workers' business.
    const worker = new Worker(this.program, { execArgv: [], name: 'preparation' });
    const thread: Thread = { worker, waiting: [] };
    const ended = (reason: string) =>
      this.fail(
        new RunError(
          `A worker thread that prepares images has ended: ${reason}. Go on with --resume; with data.workers=0 there are none.`,
        ),
      );
    worker.on('message', (answer: Answer) => {
      const waiting = thread.waiting.shift();
      if (thread.waiting.length === 0) worker.unref();
      if ('images' in answer) waiting?.resolve(answer.images);
      else waiting?.reject(answer.error);
    });
    worker.on('error', (error) => ended(messageOf(error)));
    worker.on('messageerror', (error) => ended(messageOf(error)));
    worker.on('exit', (code) => ended(`exit code ${code}`));
    this.threads.push(thread);
    return thread;
  }

  /** All that waits fails, and all that comes. The first reason is the one that is told: threads that are ended tell more. */
  private fail(error: RunError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const { worker, waiting } of this.threads) {
      worker.unref();
      for (const { reject } of waiting.splice(0)) reject(error);
    }
  }
}
