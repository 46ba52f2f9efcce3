// Lets Ctrl-C stop work in order.
import { InterruptedError } from '../base/errors.js';

/**
 * Runs work with a signal that Ctrl-C or SIGTERM aborts with an InterruptedError, so that the work can stop in order. A
 * second Ctrl-C ends the process at once.
 */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new InterruptedError('stopped'));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
