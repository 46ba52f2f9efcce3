// The project's error classes, and helpers for errors of unknown type.
import { shortText, visibleLine, visibleText } from './visible-text.js';

/** Exit codes of the command line for work that failed and for wrong usage or input. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Longest part of a message, characters: a path has room, and a file's names of megabytes are cut. */
const MAX_PART = 1000;
/** Longest remedy, which may list several problems. */
const MAX_REMEDY = 8000;

/** The three parts of every message about wrong usage or input. */
export interface ErrorDetails {
  /** What was expected, and where: "an image in DIR/trainA". */
  expected: string;
  /** What was found instead: "none". */
  found: string;
  /** What to do about it, as an imperative: "put .jpg, .png or .webp files there". */
  remedy: string;
}

/** Wrong usage or input, which the caller can correct. The command line exits with code 2. */
export class InputError extends Error {
  /** `InputError`. */
  override readonly name = 'InputError';
  /** The parts of the message. */
  readonly details: ErrorDetails;

  /**
   * Creates an error with the message `Expected EXPECTED but found FOUND; REMEDY.` Parts may hold text of files: control
   * characters are written out, and long parts are cut.
   */
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    const expected = visibleLine(shortText(details.expected, MAX_PART));
    const found = visibleLine(shortText(details.found, MAX_PART));
    const remedy = visibleText(shortText(details.remedy, MAX_REMEDY));
    super(`Expected ${expected} but found ${found}; ${remedy}.`, options);
    this.details = { expected, found, remedy };
  }
}

/** The work failed although the input was right (disk full, engine failure). The command line exits with code 1. */
export class RunError extends Error {
  /** `RunError`. */
  override readonly name = 'RunError';
}

/** The user asked to stop (Ctrl-C), or the terminal was closed. The command line exits with code 130. */
export class InterruptedError extends Error {
  /** `InterruptedError`. */
  override readonly name = 'InterruptedError';
}

/** The work failed in another process of the same run, and this one reports it. The command line exits with the other's code. */
export class PeerError extends Error {
  /** `PeerError`. */
  override readonly name = 'PeerError';

  /**
   * @param message what failed, with the name of the other process.
   * @param isInput whether the other process threw an InputError.
   */
  constructor(
    message: string,
    readonly isInput: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The work failed, or was stopped, and another process of the same run reports it. */
export class ReportedElsewhereError extends Error {
  /** `ReportedElsewhereError`. */
  override readonly name = 'ReportedElsewhereError';

  /** @param options.cause what another process reports. */
  constructor(options: ErrorOptions) {
    super(messageOf(options.cause), options);
  }
}

/** The message of a thrown value of any type. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a failed file operation (ENOENT, ENOSPC, ...), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
