// Runs tasks of an ablation in processes of their own, several at once.
import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { InputError, RunError } from '../../dist/base/errors.js';
import { availableProcessors } from '../../dist/base/processors.js';
import { processorShares } from '../../dist/runtime/engine-environment.js';

const WORKER = path.join(import.meta.dirname, 'worker.mjs');
/** Characters of a worker's messages that an error shows. */
const MESSAGE_CHARACTERS = 2000;

/** The environment of one of `jobs` processes that share the processors. A user's own settings stay. */
function environment(jobs) {
  const { perOperation, operations } = processorShares(Math.max(1, Math.floor(availableProcessors() / jobs)));
  const threads = {
    TF_NUM_INTRAOP_THREADS: String(perOperation),
    TF_NUM_INTEROP_THREADS: String(operations),
  };
  return { ...(jobs > 1 ? threads : {}), ...process.env };
}

/**
 * Runs a task in a worker.
 *
 * @param options.jobs number of workers that run at once. `onDone` is called with how far it is.
 * @returns its result, or undefined if `signal` stopped it.
 * @throws InputError, RunError: the worker's own error.
 */
export function runTask(request, { jobs, signal, onDone = () => undefined }) {
  const child = spawn(process.execPath, [WORKER, JSON.stringify(request)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(jobs),
  });
  const stop = () => child.kill('SIGTERM');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  let answer = {};
  let messages = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line);
    if (message.done === undefined) answer = message;
    else onDone(message.done);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    messages = (messages + text).slice(-MESSAGE_CHARACTERS);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      if (answer.result !== undefined) resolve(answer.result);
      else if (signal.aborted) resolve(undefined);
      else if (answer.name === 'InputError') reject(new InputError(answer.details));
      else reject(new RunError(answer.error ?? `a worker ended with ${code ?? killedBy}: ${messages}`));
    });
  });
}

/**
 * Calls `work` for every item, `jobs` at once, until `signal`. An item that fails does not keep the others back.
 *
 * @param options.onError called with an item that failed, and its error.
 * @throws the first error, when the others are done.
 */
export async function inParallel(items, { jobs, signal, onError }, work) {
  const waiting = [...items];
  const errors = [];
  const lane = async () => {
    while (waiting.length > 0 && !signal.aborted) {
      const item = waiting.shift();
      await work(item).catch((error) => {
        errors.push(error);
        onError(item, error);
      });
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  if (errors.length > 0) throw errors[0];
}
