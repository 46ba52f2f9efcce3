import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;
let trim: () => void = () => undefined;

/** What gives freed memory back to the system; the platform's set-up says it. */
export function useTrim(how: () => void): void {
  trim = how;
}

/**
 * Frees the host arrays that nothing refers to any more. V8 looks for them when JavaScript allocates; a run whose work
 * is in TensorFlow hardly does, and would keep the weights that it has handed over (half a gigabyte at the reference's
 * widths) to its end. What the C library then holds without use goes back to the system. Takes tens of milliseconds.
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
