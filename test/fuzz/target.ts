// The contract that every parser of unchecked bytes keeps, and the check of one input against it.
import type fc from 'fast-check';

/** A parser of unchecked bytes. It returns or rejects with an error of the right kind, in bounded time and memory. */
export interface FuzzTarget {
  /** Whole inputs; the parser accepts the first. Mutations start from them. */
  seeds(): Uint8Array[] | Promise<Uint8Array[]>;
  /** Inputs that follow the format's structure with faults in it, perhaps made of the seeds; mutations come beside them. */
  structured?: fc.Arbitrary<Uint8Array> | ((seeds: readonly Uint8Array[]) => fc.Arbitrary<Uint8Array>);
  /** Parses. Throws by itself where a result breaks a promise. */
  run(bytes: Uint8Array): unknown;
  /** Whether an error is the one that the parser promises for wrong input. */
  refused(error: unknown): boolean;
  /** Most bytes of memory that parsing may take; by default 16 bytes for each byte of input, and 64 MB. */
  limitBytes?(input: Uint8Array): number;
  /** How many inputs the test suite tries. */
  runs: number;
}

const MEGABYTE = 1e6;
/** What libraries may take for an input beside the memory of JavaScript. */
const NATIVE_BYTES = 1e9;

function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The most memory that this process has had. */
function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Text of an error for a report: its kind, and the beginning of its stack. */
function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)).slice(0, 800) : String(error).slice(0, 200);
}

/**
 * Runs a target on one input.
 *
 * @throws Error if the target breaks the contract: another kind of error, too much memory, or a changed `Object.prototype`.
 */
export async function checkInput(target: FuzzTarget, bytes: Uint8Array): Promise<void> {
  const limit = target.limitBytes?.(bytes) ?? 16 * bytes.byteLength + 64 * MEGABYTE;
  const before = usedBytes();
  const peakBefore = peakBytes();
  let refusal: unknown;
  try {
    await target.run(bytes);
  } catch (error) {
    if (!target.refused(error)) throw new Error(`an error of the wrong kind: ${described(error)}`);
    refusal = error;
  }
  const grown = usedBytes() - before;
  if (grown > limit)
    throw new Error(
      `${Math.round(grown / MEGABYTE)} MB of memory for ${bytes.byteLength} bytes of input; ${Math.round(limit / MEGABYTE)} MB are allowed`,
    );
  const risen = peakBytes() - peakBefore;
  if (risen > limit + NATIVE_BYTES)
    throw new Error(
      `${Math.round(risen / MEGABYTE)} MB of memory for ${bytes.byteLength} bytes of input, for a while`,
    );
  if (refusal instanceof Error && refusal.message.length > 4000)
    throw new Error(`a message of ${refusal.message.length} characters: ${refusal.message.slice(0, 200)}`);
  const added = Object.keys(Object.prototype);
  if (added.length > 0) throw new Error(`Object.prototype has got ${added.join(', ')}`);
}
