// Worker threads that prepare images beside the main thread.
import { Worker } from 'node:worker_threads';
import { messageOf, RunError } from '../../base/errors.js';
import type { DomainImages, DomainTask } from './domain-images.js';
import type { Preparer } from './preparer.js';
import type { Answer } from './worker.js';

/** The callbacks of a task that a thread has not answered. */
interface Waiting {
  resolve(images: DomainImages): void;
  reject(error: unknown): void;
}

interface Thread {
  worker: Worker;
  /** Unanswered tasks; the thread answers them in order. */
  waiting: Waiting[];
}

/**
 * Worker threads, started when there is work for them. If one ends by itself, every task from then on fails with the same
 * error. Idle threads do not keep the process alive.
 */
export class WorkerPool implements Preparer {
  private readonly threads: Thread[] = [];
  private failure: RunError | undefined;

  /** @param size maximum number of threads. @param program the script that they run, the built `worker.js`. */
  constructor(
    private readonly size: number,
    private readonly program: URL,
  ) {}

  prepare(task: DomainTask): Promise<DomainImages> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const thread = this.leastBusy();
    return new Promise((resolve, reject) => {
      thread.waiting.push({ resolve, reject });
      thread.worker.ref();
      thread.worker.postMessage(task, [task.images.buffer]);
    });
  }

  async close(): Promise<void> {
    this.fail(new RunError('The preparation of images is closed.'));
    // A thread that is being terminated keeps the process alive until it has ended.
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }

  private leastBusy(): Thread {
    const [idlest] = this.threads.toSorted((a, b) => a.waiting.length - b.waiting.length);
    if (idlest !== undefined && (idlest.waiting.length === 0 || this.threads.length === this.size))
      return idlest;
    return this.start();
  }

  private start(): Thread {
    // Workers do not inherit flags of the process, such as modules to preload.
    const worker = new Worker(this.program, { execArgv: [], name: 'preparation' });
    const thread: Thread = { worker, waiting: [] };
    const ended = (reason: string) =>
      this.fail(
        new RunError(
          `A worker thread that prepares images has ended: ${reason}. Continue with --resume; data.workers=0 does without worker threads.`,
        ),
      );
    worker.on('message', (answer: Answer) => {
      const waiting = thread.waiting.shift();
      // An answer to a cancelled task: the thread is being terminated, for which the process has to wait.
      if (waiting === undefined) return;
      if (thread.waiting.length === 0) worker.unref();
      if ('images' in answer) waiting.resolve(answer.images);
      else waiting.reject(answer.error);
    });
    worker.on('error', (error) => ended(messageOf(error)));
    worker.on('messageerror', (error) => ended(messageOf(error)));
    worker.on('exit', (code) => ended(`exit code ${code}`));
    this.threads.push(thread);
    return thread;
  }

  /** Fails all tasks, present and future, with the first error: terminated threads report others after it. */
  private fail(error: RunError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const { worker, waiting } of this.threads) {
      worker.unref();
      for (const { reject } of waiting.splice(0)) reject(error);
    }
  }
}
