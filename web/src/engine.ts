// The page's side of the worker: sends tasks and awaits answers.
import type { EngineMoved, Reply, TaskName, Tasks } from './messages.js';
import workerUrl from './worker.ts?worker&url';

/** The engine was closed on purpose. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/** Called with the progress of a task: what is being done, and the finished share if known. */
export type OnProgress = (text: string, share?: number) => void;

interface Waiting {
  resolve(answer: never): void;
  reject(error: Error): void;
  onProgress: OnProgress | undefined;
}

/**
 * Makes the address of a worker from inline text that imports the real one. Such a worker inherits the page's policy, so it cannot
 * contact anybody either; a worker from an address would not if the host sends no policy.
 */
function workerAddress(): string {
  const text = `import ${JSON.stringify(new URL(workerUrl, import.meta.url).href)};`;
  return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
}

/** Runs the translator in a worker, so that the page stays responsive. */
export class Engine {
  private readonly address = workerAddress();
  private readonly worker = new Worker(this.address, { type: 'module', name: 'translator' });
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private failure: Error | undefined;

  /** @param onMoved called when the browser has taken the GPU away. */
  constructor(private readonly onMoved: (moved: EngineMoved) => void) {
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.fail(
        new Error(`The part of this page that computes has failed: ${event.message || 'it does not start'}.`),
      );
    };
  }

  /** Runs a task, after the previous ones. @throws Error with a message for the person. */
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

  /** Stops the worker; waiting tasks fail. */
  close(): void {
    this.worker.terminate();
    URL.revokeObjectURL(this.address);
    this.fail(new StoppedError('Stopped.'));
  }

  private receive(reply: Reply): void {
    // The worker runs, so its inline text is no longer needed.
    URL.revokeObjectURL(this.address);
    if ('moved' in reply) {
      this.onMoved(reply.moved);
      return;
    }
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
