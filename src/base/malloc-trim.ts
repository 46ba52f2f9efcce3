// Gives memory that nothing uses any more back to the system.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;
let trim: () => void = () => undefined;

/** Sets the function that gives freed memory of the C library back to the system; nothing does by default. */
export function enableMallocTrim(mallocTrim: () => void): void {
  trim = mallocTrim;
}

/**
 * Frees host arrays that nothing refers to any more, and gives the memory that the C library then holds back to the
 * system. Takes tens of milliseconds. V8 collects garbage when JavaScript allocates, which a run hardly does while
 * TensorFlow works: it would hold the weights that it has handed over (0.5 GB at the reference's widths) to its end.
 */
export function freeUnusedMemory(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  collect();
  trim();
}
