// The worker thread of the preparation: answers each task in turn. It loads no engine and no decoder.
import { parentPort } from 'node:worker_threads';
import { type DomainPictures, type DomainTask, prepare } from './domain-pictures.js';

/** What a worker answers: pictures, or what a task threw. */
export type Answer = { pictures: DomainPictures } | { error: unknown };

parentPort!.on('message', (task: DomainTask) => {
  try {
    const pictures = prepare(task);
    parentPort!.postMessage({ pictures } satisfies Answer, [pictures.mixed.buffer, pictures.same.buffer]);
  } catch (error) {
    parentPort!.postMessage({ error } satisfies Answer);
  }
});
