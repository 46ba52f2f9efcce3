// Lets Ctrl-C, a closed terminal and a closed pipe stop work in order.
import { InterruptedError } from '../base/errors.js';
import { isHangUpIgnored } from './hang-up.js';

/** One for each work under way. */
const controllers = new Set<AbortController>();

/** Stops the work under way in order. @returns false if there is none that can be stopped. */
export function stopWork(): boolean {
  for (const controller of controllers) controller.abort(new InterruptedError('stopped'));
  return controllers.size > 0;
}

/**
 * Runs work with a signal that aborts with an InterruptedError on Ctrl-C, SIGTERM, SIGUSR1 (which Slurm can send before a time
 * limit, and mpirun passes on), a hang-up (the terminal was closed) or `stopWork`, so that the work can stop in order. A second
 * Ctrl-C or SIGTERM ends the process at once. The other signals do not: hang-ups may come from both shell and kernel.
 */
export async function withInterrupt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  controllers.add(controller);
  let isInterrupted = false;
  const interrupt = () => {
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
    stopWork();
  };
  const hangUp = () => {
    if (!isHangUpIgnored) stopWork();
  };
  const stop = () => void stopWork();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', hangUp).on('SIGUSR1', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', hangUp).off('SIGUSR1', stop);
    controllers.delete(controller);
  }
}
