// Fuzzes one target under a watchdog.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'vite';
import type { WorkerData } from './worker.js';

export { withRunFolder } from './run-folder.js';

/** The time for one input, which takes milliseconds. It is long because machines differ. */
const LIMIT_MILLISECONDS = 30_000;
const LOOK_MILLISECONDS = 5000;
/** The first bytes of an input that hangs, which a message shows. */
const SHOWN_BYTES = 4096;
const HEAP_MEGABYTES = 512;

/** What fuzzing a target found. */
export interface FuzzResult {
  runs: number;
  /** What was broken, and an input that breaks it in base64; none if nothing was found. */
  failure?: string;
  input?: string;
  bytes?: number;
}

/** Compiles the targets for worker threads. @returns the path of the thread's module. */
export async function buildWorker(root: string, outDir: string): Promise<string> {
  await mkdir(outDir, { recursive: true });
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(root, 'test/fuzz/worker.ts'),
      outDir,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
    },
  });
  return join(outDir, 'worker.js');
}

export interface FuzzOptions {
  seed: number;
  runs: number;
  /** Ends the thread before it has tried all. */
  signal?: AbortSignal;
}

/** Tries `runs` inputs, always the same for one seed. Call it within `withRunFolder`. */
export async function fuzz(
  worker: string,
  target: string,
  { seed, runs, signal }: FuzzOptions,
): Promise<FuzzResult> {
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const newest = new Uint8Array(new SharedArrayBuffer(SHOWN_BYTES));
  const workerData: WorkerData = { target, seed, runs, counters, newest };
  const thread = new Worker(pathToFileURL(worker), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  const fault = (failure: string): FuzzResult => ({
    runs: Atomics.load(counters, 0),
    failure,
    input: Buffer.from(newest.slice(0, Atomics.load(counters, 1))).toString('base64'),
    bytes: Atomics.load(counters, 1),
  });
  let watchdog: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    return await new Promise<FuzzResult>((resolve, reject) => {
      stop = () => resolve({ runs: Atomics.load(counters, 0) });
      signal?.addEventListener('abort', stop);
      thread.once('message', resolve);
      thread.once('error', (error) => {
        const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        resolve(
          fault(
            isMemory
              ? `more than ${HEAP_MEGABYTES} MB of memory`
              : `an error outside of the target: ${error.stack}`,
          ),
        );
      });
      thread.once('exit', (code) => reject(new Error(`the thread of ${target} ended with code ${code}`)));
      let begun = -1;
      let since = performance.now();
      watchdog = setInterval(() => {
        const now = Atomics.load(counters, 0);
        if (now !== begun || now === 0) since = performance.now();
        else if (performance.now() - since > LIMIT_MILLISECONDS)
          resolve(fault(`no answer within ${LIMIT_MILLISECONDS / 1000} s`));
        begun = now;
      }, LOOK_MILLISECONDS);
    });
  } finally {
    clearInterval(watchdog);
    if (stop) signal?.removeEventListener('abort', stop);
    await thread.terminate();
  }
}
