// The worker thread of the preparation: answers tasks in order. It loads no engine and no decoder.
import { parentPort } from 'node:worker_threads';
import { type DomainImages, type DomainTask, prepare } from './domain-images.js';

/** A worker's answer: images, or the error that a task threw. */
export type Answer = { images: DomainImages } | { error: unknown };

parentPort!.on('message', (task: DomainTask) => {
  try {
    const images = prepare(task);
    parentPort!.postMessage({ images } satisfies Answer, [images.mixed.buffer, images.same.buffer]);
  } catch (error) {
    parentPort!.postMessage({ error } satisfies Answer);
  }
});
