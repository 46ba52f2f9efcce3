// The project's error classes, and helpers for errors of unknown type.

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

  /** Creates an error with the message `Expected EXPECTED but found FOUND; REMEDY.` */
  constructor(details: ErrorDetails, options?: ErrorOptions) {
    super(`Expected ${details.expected} but found ${details.found}; ${details.remedy}.`, options);
    this.details = details;
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

/** The message of a thrown value of any type. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a failed file operation (ENOENT, ENOSPC, ...), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
