import { setImmediate } from 'node:timers/promises';
import type { StatisticsOptions } from './features.js';

/** Work that yields after every part how much that was. */
export type Work<T> = Generator<number, T>;

/** Does all of it, and lets timers and signals in between the parts. @throws the signal's reason. */
export async function finish<T>(
  work: Work<T>,
  total: number,
  { onProgress, signal }: StatisticsOptions,
): Promise<T> {
  let done = 0;
  for (;;) {
    signal?.throwIfAborted();
    const part = work.next();
    if (part.done) return part.value;
    done += part.value;
    onProgress?.(Math.min(done, total), total);
    await setImmediate();
  }
}
