// Long computations in parts, between which timers and signals run.
import { setImmediate } from 'node:timers/promises';
import type { StatisticsOptions } from './features.js';

/** Work that yields the amount of each part when it is done. */
export type Work<T> = Generator<number, T>;

/** Runs all parts, and lets timers and signals run in between. @throws the signal's reason. */
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
