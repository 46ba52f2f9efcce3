// Runs one target in a thread of its own: the parent sees which input a target hangs on, and ends the thread.
import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { mutations } from './inputs.js';
import { checkInput } from './target.js';
import { targets } from './targets.js';

/** What the parent tells the thread. */
export interface WorkerData {
  target: string;
  seed: number;
  runs: number;
  /** Shared: the number of inputs begun, and the length of the newest. */
  counters: Int32Array<SharedArrayBuffer>;
  /** Shared: the beginning of the newest input. */
  newest: Uint8Array<SharedArrayBuffer>;
}

const { target: name, seed, runs, counters, newest } = workerData as WorkerData;

function note(bytes: Uint8Array): void {
  newest.set(bytes.subarray(0, newest.byteLength));
  Atomics.store(counters, 1, bytes.byteLength);
  Atomics.add(counters, 0, 1);
}

const target = targets[name]!;
const seeds = await target.seeds();
// A target that refuses everything would test little.
await target.run(seeds[0]!);
const { structured } = target;
const generators = [typeof structured === 'function' ? structured(seeds) : structured];
const inputs = fc.oneof(mutations(seeds), ...generators.filter((generator) => generator !== undefined));
const result = await fc.check(
  fc.asyncProperty(inputs, async (bytes) => {
    note(bytes);
    await checkInput(target, bytes);
  }),
  // Shrinking an input that takes long or much memory would take hours.
  { seed, numRuns: runs, endOnFailure: true, examples: seeds.map((bytes): [Uint8Array] => [bytes]) },
);
const [input] = result.counterexample ?? [];
parentPort!.postMessage({
  runs: result.numRuns,
  ...(result.failed && {
    failure: String(
      result.errorInstance instanceof Error ? result.errorInstance.message : result.errorInstance,
    ),
    input: input && Buffer.from(input).toString('base64').slice(0, 4000),
    bytes: input?.byteLength,
  }),
});
