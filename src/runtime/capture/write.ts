import type { CapturedPrograms, HostValues } from './capture.js';

/** Variables are written to a session in pieces of about this many numbers: 128 MiB. */
const PIECE_ELEMENTS = 32 * 1024 * 1024;

/** Writes variables in few calls, as each one costs the session a look at the whole graph, and in bounded pieces. */
export function writeInPieces(
  programs: Pick<CapturedPrograms, 'write'>,
  variables: Iterable<readonly [name: string, values: HostValues]>,
): void {
  let piece: Record<string, HostValues> = {};
  let elements = 0;
  for (const [name, values] of variables) {
    piece[name] = values;
    elements += values.length;
    if (elements < PIECE_ELEMENTS) continue;
    programs.write(piece);
    piece = {};
    elements = 0;
  }
  if (elements > 0) programs.write(piece);
}
