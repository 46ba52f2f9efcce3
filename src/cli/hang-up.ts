// Finds out whether hang-ups are to be ignored, as nohup asks, and whether the terminal was closed.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isatty } from 'node:tty';

/** Access modes of an open file, in the last octal digit of its flags. */
const WRITE_ONLY = '1';

/** What the system says about a process; texts are empty if it says nothing. */
export interface ProcessSigns {
  /** The environment variable `_`, which shells set to the program that they start. */
  startedProgram: string;
  /** `/proc/PID/fdinfo/0`: how standard input was opened. */
  standardInput: string;
  /** `/proc/PARENT/status`: among others, the signals that the parent ignores. */
  parentStatus: string;
}

/**
 * Whether a process was started by nohup, or by a shell that ignores hang-ups (`trap '' HUP`). Node restores the default
 * action of every signal when it starts, so the process itself has no record of it. nohup replaces a terminal as standard
 * input by a file that cannot be read, and what a parent ignores, its children inherit.
 */
export function isStartedByNohup({ startedProgram, standardInput, parentStatus }: ProcessSigns): boolean {
  const accessMode = /^flags:\s*\d*(\d)$/m.exec(standardInput)?.[1];
  const ignored = /^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(parentStatus)?.[1];
  // SIGHUP is signal 1, the lowest bit.
  const doesParentIgnore = ignored !== undefined && (Number.parseInt(ignored, 16) & 1) === 1;
  return basename(startedProgram) === 'nohup' || accessMode === WRITE_ONLY || doesParentIgnore;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Whether this process has to ignore hang-ups. It is read at the start, since the parent may end before this process. */
export const isHangUpIgnored = isStartedByNohup({
  startedProgram: process.env._ ?? '',
  standardInput: readIfThere('/proc/self/fdinfo/0'),
  parentStatus: readIfThere(`/proc/${process.ppid}/status`),
});

/** The standard streams that were a terminal at the start. */
const terminals = [0, 1, 2].filter((stream) => isatty(stream));

/** Whether the terminal of this process was closed. */
export function isTerminalLost(): boolean {
  return terminals.some((stream) => !isatty(stream));
}
