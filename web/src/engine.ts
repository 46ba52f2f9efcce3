import type { Reply, TaskName, Tasks } from './messages.js';
import workerUrl from './worker.ts?worker&url';

/** The engine was closed; nothing is wrong. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/** Told how a task gets on: what is done, and the share of it, where that is known. */
export type OnProgress = (text: string, share?: number) => void;

interface Waiting {
  resolve(answer: never): void;
  reject(error: Error): void;
  onProgress: OnProgress | undefined;
}

/**
 * The address of a worker from a text of this page, which imports the real one: such a worker is under the page's policy (a worker from an
 * address is not, where the host sends none), so that it cannot contact anybody either.
 */
function workerAddress(): string {
  const text = `import ${JSON.stringify(new URL(workerUrl, import.meta.url).href)};`;
  return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
}

/** The translator in its worker, so that the page stays responsive whatever is computed. */
export class Engine {
  private readonly address = workerAddress();
  private readonly worker = new Worker(this.address, { type: 'module', name: 'translator' });
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private failure: Error | undefined;

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.fail(
        new Error(`The part of this page that computes has failed: ${event.message || 'it does not start'}.`),
      );
    };
  }

  /** Runs a task; tasks run one after another. @throws Error with what the person should read. */
  run<K extends TaskName>(
    task: K,
    argument: Tasks[K]['argument'],
    onProgress?: OnProgress,
  ): Promise<Tasks[K]['answer']> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, onProgress });
      this.worker.postMessage({ id, task, argument });
    });
  }

  /** Ends it; tasks that wait fail. */
  close(): void {
    this.worker.terminate();
    URL.revokeObjectURL(this.address);
    this.fail(new StoppedError('Stopped.'));
  }

  private receive(reply: Reply): void {
    // It runs, and needs its text no more.
    URL.revokeObjectURL(this.address);
    const waiting = this.waiting.get(reply.id);
    if (waiting === undefined) return;
    if ('progress' in reply) {
      waiting.onProgress?.(reply.progress.text, reply.progress.share);
      return;
    }
    this.waiting.delete(reply.id);
    if ('error' in reply) waiting.reject(new Error(reply.error));
    else waiting.resolve(reply.answer as never);
  }

  private fail(error: Error): void {
    this.failure = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
